"""The settings of this service; those of the engine are in app/offload/settings.py."""

from functools import lru_cache

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings

from app.offload.settings import CONFIG, load


class Settings(BaseSettings):
    """Read from the environment or from `.env`; put your own beside it."""

    model_config = CONFIG

    # Who may call. Without a key everybody may, which is right on a loopback address only.
    api_key: SecretStr | None = None

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value() if value else "-"
        if key != key.strip():
            raise ValueError(
                "is blank, or has a blank at an end, which no header can carry;"
                " take it out, or leave API_KEY empty where everybody may call"
            )
        if not (key.isascii() and key.isprintable()):
            raise ValueError(
                "has a character that no header can carry; use letters, digits and signs of ASCII"
            )
        return value


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return load(Settings)
