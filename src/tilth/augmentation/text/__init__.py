"""A text as words.

In: a text. Out: words, slots that must be kept, n-grams, distances; tokens back to text.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.text.antonyms import turned
    from tilth.augmentation.text.corpus import Written, usable, written
    from tilth.augmentation.text.detokenizer import Piece, in_style, presentable, spellings, write
    from tilth.augmentation.text.distance import CHANGED, edit_distance, rewording
    from tilth.augmentation.text.eligibility import LONGEST, unfit
    from tilth.augmentation.text.ngrams import BEGIN, END, _of, bounded, in_a_row
    from tilth.augmentation.text.salience import salient_words
    from tilth.augmentation.text.slots import find_slots, frame_json, keeps_slots
    from tilth.augmentation.text.words import WORD, Word, plain, stem, words_of

__all__ = [
    "BEGIN",
    "CHANGED",
    "END",
    "LONGEST",
    "WORD",
    "Piece",
    "Word",
    "Written",
    "_of",
    "bounded",
    "edit_distance",
    "find_slots",
    "frame_json",
    "in_a_row",
    "in_style",
    "keeps_slots",
    "plain",
    "presentable",
    "rewording",
    "salient_words",
    "spellings",
    "stem",
    "turned",
    "unfit",
    "usable",
    "words_of",
    "write",
    "written",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "antonyms": ("turned",),
        "corpus": ("Written", "usable", "written"),
        "detokenizer": ("Piece", "in_style", "presentable", "spellings", "write"),
        "distance": ("CHANGED", "edit_distance", "rewording"),
        "eligibility": ("LONGEST", "unfit"),
        "ngrams": ("BEGIN", "END", "_of", "bounded", "in_a_row"),
        "salience": ("salient_words",),
        "slots": ("find_slots", "frame_json", "keeps_slots"),
        "words": ("WORD", "Word", "plain", "stem", "words_of"),
    },
)
