"""The admin's pages on people, who are known by e-mail, on what they agreed to, and on who did what."""

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.deletion import delete_account
from accounts.events import record
from accounts.models import Consent, Happening, User
from emotune.personal import declared

# Staff log in as everybody does: by e-mail, with the same limits on attempts.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "emotune"
# allauth's pages show the keys of sessions and what recovery codes are made of: enough to log in as others. An address
# is changed with its account, whose deletion blots it out of the log.
admin.site.unregister([Authenticator, EmailAddress, UserSession])


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)


class UserForm(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"


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

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[type[admin.StackedInline]]:  # type: ignore[override,type-arg] # noqa: ARG002
        """Nobody who is only being added has agreed to anything."""
        return [ConsentInline] if obj else []

    def save_model(self, request: HttpRequest, obj: User, form: UserForm, change: bool) -> None:
        """Let a new address take the place of all old ones: by those, allauth would still let people in."""
        super().save_model(request, obj, form, change)
        if change and obj.email != form.initial["email"]:
            EmailAddress.objects.filter(user=obj).delete()
            EmailAddress.objects.create(user=obj, email=obj.email, primary=True)
            record(user=obj, kind=Happening.EMAIL_CHANGED, detail="by an admin")

    def get_deleted_objects(  # type: ignore[override]
        self, objs: QuerySet[User], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Count what goes with an account instead of listing it: one may have a hundred thousand listens."""
        people = list(objs)
        counts = {kind.name.replace("_", " "): sum(kind.count(user) for user in people) for kind in declared()}
        staff = [f"{user} runs this site: take that right away first" for user in people if user.is_staff]
        needed = set() if self.has_delete_permission(request) else {"user"}
        return [str(user) for user in people], {name: n for name, n in counts.items() if n}, needed, staff

    def delete_model(self, request: HttpRequest, obj: User) -> None:  # noqa: ARG002
        delete_account(user=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:  # noqa: ARG002
        for user in queryset:
            delete_account(user=user)


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
