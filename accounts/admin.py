"""The admin's pages on people, who are known by e-mail, and on what they agreed to."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.http import HttpRequest

from accounts.models import Consent, User

# Staff log in as everybody does: by e-mail, with the same limits on attempts.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)


class UserForm(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"


class ConsentInline(admin.TabularInline):  # type: ignore[type-arg]
    """What the person agreed to, and when: evidence, so nobody changes it here."""

    model = Consent
    extra = 0
    readonly_fields = ("version", "given_at", "withdrawn_at")

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
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[type[admin.TabularInline]]:  # type: ignore[override,type-arg] # noqa: ARG002
        """Nobody who is only being added has agreed to anything."""
        return [ConsentInline] if obj else []
