"""The languages of the corpora by their published names, how frequent they are, and in which script each is written."""

import numpy as np

from arenalake.samples.draws import Floats, Ints
from arenalake.samples.vocabulary import SCRIPT_INDEX

# Shares of the largest languages; what is left goes to the others by a power of their place in the list.
_MAIN_SHARES = {
    "English": 0.770,
    "Portuguese": 0.036,
    "Russian": 0.031,
    "Chinese": 0.027,
    "Spanish": 0.024,
    "German": 0.018,
    "French": 0.015,
    "unknown": 0.012,
    "Italian": 0.009,
    "Japanese": 0.007,
}
_TAIL_EXPONENT = 1.7

_OTHERS = """Korean Polish Vietnamese Dutch Arabic Turkish Czech Ukrainian Indonesian Hungarian Thai Hindi Swedish
Finnish Greek Danish Norwegian Romanian Persian Hebrew Bulgarian Catalan Latin Slovak Croatian Serbian
Slovenian Lithuanian Latvian Estonian Malay Tagalog Galician Basque Esperanto Bengali Tamil Telugu Urdu
Marathi Gujarati Punjabi Kannada Malayalam Nepali Burmese Khmer Laothian Georgian Armenian Azerbaijani
Kazakh Uzbek Kirghiz Tajik Turkmen Mongolian Tibetan Uighur Afrikaans Swahili Zulu Xhosa Yoruba Igbo Hausa
Amharic Somali Malagasy Shona Sesotho Tswana Icelandic Irish Welsh Scots Manx Breton Corsican Occitan
Luxembourgish Frisian Faroese Maltese Albanian Macedonian Bosnian Belarusian Yiddish Javanese Sundanese
Cebuano Waray_Waray Hawaiian Maori Samoan Tonga Fijian Haitian_Creole Guarani Quechua Aymara Interlingua
Interlingue Volapuk Klingon Sanskrit Sinhalese Oriya Assamese Sindhi Pashto Kurdish Tatar Bashkir Abkhazian
Chechen Ossetian Inuktitut Greenlandic Nauru Bislama Tok_Pisin Kinyarwanda Rundi Lingala Ganda Nyanja Wolof
Akan Ewe Ga Venda Tsonga Siswant Pedi Afar Oromo Tigrinya Dzongkha Bihari Cherokee Romansh Scots_Gaelic"""
LANGUAGES = (*_MAIN_SHARES, *_OTHERS.split())

_OWN_WORDS = (
    "English",
    "Portuguese",
    "Russian",
    "Chinese",
    "Spanish",
    "German",
    "French",
    "Italian",
    "Japanese",
    "Korean",
    "Arabic",
    "Hindi",
    "Thai",
)
_BORROWED_WORDS = {
    "russian": """Ukrainian Bulgarian Serbian Macedonian Belarusian Kazakh Kirghiz Tajik Mongolian Tatar Bashkir
    Abkhazian Chechen Ossetian""",
    "arabic": """Persian Urdu Sindhi Pashto Kurdish Uighur""",
    "hindi": """Marathi Nepali Sanskrit Bihari""",
    "thai": """Laothian""",
    "symbols": """unknown""",
}
_SCRIPT_OF = {name: name.lower() for name in _OWN_WORDS} | {
    name: script for script, names in _BORROWED_WORDS.items() for name in names.split()
}
LANGUAGE_SCRIPT: Ints = np.array([SCRIPT_INDEX[_SCRIPT_OF.get(name, "latin")] for name in LANGUAGES])
"""Index into `SCRIPTS` per language; those without words of their own borrow their script's, or Latin ones."""


def language_shares(count: int) -> Floats:
    """Shares of the first `count` languages; they sum to 1."""
    tail = np.arange(1, len(LANGUAGES) - len(_MAIN_SHARES) + 1) ** -_TAIL_EXPONENT
    main = np.array(list(_MAIN_SHARES.values()))
    shares = np.concatenate([main, tail / tail.sum() * (1 - main.sum())])[:count]
    normalised: Floats = shares / shares.sum()
    return normalised
