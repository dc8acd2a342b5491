"""Names of languages as the published tags spell them, from the codes that detectors give.

The tags of LMSYS-Chat-1M and Chatbot Arena are the English names that ICU has for the codes of CLD2. Those names are
from Unicode's CLDR, which Babel ships too.

Source:
    lm-sys/FastChat fastchat/utils.py `detect_language` calls Polyglot for the first prompt; aboSamoor/polyglot
    polyglot/detect/base.py takes `Locale(code).getDisplayLanguage()` for the code that pycld2 finds.
"""

from functools import cache

from babel import Locale
from babel.core import get_global

UNKNOWN = "unknown"


@cache
def language_name(code: str) -> str:
    """The English name of a language; script and region are left out, and a code without a name stands for itself.

    >>> [language_name(code) for code in ("en", "zh-cn", "zh-Hant", "iw", "lo", "zzp")]
    ['English', 'Chinese', 'Chinese', 'Hebrew', 'Lao', 'zzp']
    """
    language = code.replace("-", "_").split("_")[0]
    names = Locale("en").languages
    current = get_global("language_aliases").get(language, language)
    return str(names.get(language) or names.get(current, language))


def names_by_code() -> dict[str, str]:
    """The English name of every language code that CLDR knows, without script and region.

    >>> names = names_by_code()
    >>> names["en"], names["iw"], "English" in names
    ('English', 'Hebrew', False)
    """
    codes = {*Locale("en").languages, *get_global("language_aliases")}
    names = {code: language_name(code) for code in sorted(codes) if code.isalpha()}
    return {code: name for code, name in names.items() if name != code}
