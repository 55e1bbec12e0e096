"""The admin's pages on people, who are known by e-mail, on what they agreed to, and on who did what."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import cast

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.base.internal.flows import delete_dangling_recovery_codes
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.generic import RedirectView

from accounts.deletion import delete_account
from accounts.events import record
from accounts.models import Consent, Happening, User
from emotune.personal import declared

# Staff log in as everybody does: by e-mail, with the same limits on attempts.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# Django's own page for one's password knows no limits, tells nobody, and leaves a session that no list of devices has.
admin.site.password_change = RedirectView.as_view(pattern_name="account_change_password")  # type: ignore[assignment,method-assign]
admin.site.site_header = admin.site.site_title = "emotune"
# allauth's pages show the keys of sessions and what recovery codes are made of: enough to log in as others. An address
# is changed with its account, whose deletion blots it out of the log.
admin.site.unregister([Authenticator, EmailAddress, UserSession])

# What lets somebody do more in the admin: superusers alone hand it out.
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")
BY_AN_ADMIN = "by an admin"
# What is kept of so many people is counted by one query.
COUNTED_TOGETHER = 100


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)


class UserForm(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    @transaction.atomic
    def save(self, commit: bool = True) -> User:
        """Set another password, or none, and tell its owner who did."""
        user: User = super().save(commit)
        how = BY_AN_ADMIN if user.has_usable_password() else f"taken away {BY_AN_ADMIN}"
        record(user=user, kind=Happening.PASSWORD_CHANGED, detail=how)
        return user


class ConsentInline(admin.StackedInline):  # type: ignore[type-arg]
    """What the person agreed to, and when: evidence, so nobody changes it here."""

    model = Consent
    extra = 0
    readonly_fields = ("version", "given_at", "withdrawn_at")
    fields = (readonly_fields,)

    def has_add_permission(self, request: HttpRequest, obj: User | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:  # noqa: ARG002
        return False


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    form = UserForm
    add_form = NewUserForm
    change_password_form = PasswordForm
    ordering = ("email",)
    list_display = ("email", "date_joined", "last_login", "is_active", "is_staff")
    search_fields = ("email",)
    readonly_fields = ("last_login", "date_joined")
    # Two lists side by side would be moved by a script that writes styles, which the content security policy refuses.
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Let nobody who may change people make a superuser of themselves, or staff of anybody."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Leave those who run the site to superusers: whoever sets a password or an address can log in by it."""
        runs_the_site = obj is not None and (obj.is_staff or obj.is_superuser)
        return super().has_change_permission(request, obj) and bool(request.user.is_superuser or not runs_the_site)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[type[admin.StackedInline]]:  # type: ignore[override,type-arg] # noqa: ARG002
        """Nobody who is only being added has agreed to anything."""
        return [ConsentInline] if obj else []

    def save_model(self, request: HttpRequest, obj: User, form: UserForm, change: bool) -> None:
        """Let a new address take the place of all old ones: those that were proven would still let people in."""
        super().save_model(request, obj, form, change)
        if change and obj.email != form.initial["email"]:
            EmailAddress.objects.filter(user=obj).delete()
            EmailAddress.objects.create(user=obj, email=obj.email, primary=True)
            record(user=obj, kind=Happening.EMAIL_CHANGED, detail=BY_AN_ADMIN)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Keep the admin's own session among their devices: Django gives it a new key with every password set here."""
        key = request.session.session_key
        response: HttpResponse = super().user_change_password(request, id, form_url)
        if request.session.session_key != key:
            UserSession.objects.create_from_request(request)
        return response

    def get_deleted_objects(  # type: ignore[override]
        self, objs: QuerySet[User], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Count what goes with an account instead of listing it: one may have a hundred thousand listens."""
        people = list(objs)
        counts = count_all_of(people)
        staff = [f"{user} runs this site: take that right away first" for user in people if user.is_staff]
        needed = set() if self.has_delete_permission(request) else {"user"}
        return [str(user) for user in people], {name: n for name, n in counts.items() if n}, needed, staff

    def delete_model(self, request: HttpRequest, obj: User) -> None:  # noqa: ARG002
        delete_account(user=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:  # noqa: ARG002
        for user in queryset:
            delete_account(user=user)


def count_all_of(people: Sequence[User]) -> dict[str, int]:
    """Count what is kept of people, by kind: with one query for each, however many they are, up to COUNTED_TOGETHER."""
    pieces = [people[n : n + COUNTED_TOGETHER] for n in range(0, len(people), COUNTED_TOGETHER)]
    return {
        kind.name.replace("_", " "): sum(reduce(or_, map(kind.of, piece)).count() for piece in pieces)
        for kind in declared()
    }


@admin.register(Authenticator)
class AuthenticatorAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Passkeys and recovery codes: that they are there, and no more. One that was lost can be taken away."""

    list_display = fields = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("user__email",)
    list_select_related = ("user",)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Authenticator]) -> list[LogEntry]:
        """Write down what it was, and not what its owner called it: these lines outlive the account."""
        kind = ContentType.objects.get_for_model(Authenticator)
        lines = [
            LogEntry(
                user=cast("User", request.user),
                content_type=kind,
                object_id=str(row.pk),
                object_repr=str(row.get_type_display()),
                action_flag=DELETION,
            )
            for row in queryset
        ]
        return LogEntry.objects.bulk_create(lines)

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:  # noqa: ARG002
        take_away([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Authenticator]) -> None:  # noqa: ARG002
        take_away(list(queryset))


@transaction.atomic
def take_away(authenticators: Sequence[Authenticator]) -> None:
    """Remove passkeys and tell their owners. With the last one go the recovery codes, which stand in for one."""
    for authenticator in authenticators:
        authenticator.delete()
        if authenticator.type == Authenticator.Type.WEBAUTHN:
            record(user=authenticator.user, kind=Happening.PASSKEY_REMOVED, detail=BY_AN_ADMIN)
            delete_dangling_recovery_codes(authenticator.user)


@admin.register(LogEntry)
class LogEntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Who did what in the admin, for superusers to read. Nobody writes it by hand."""

    list_display = ("action_time", "user", "action_flag", "content_type", "object_repr", "get_change_message")
    list_filter = ("action_flag", "content_type")
    search_fields = ("user__email", "object_repr")
    date_hierarchy = "action_time"
    list_select_related = ("user", "content_type")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False
