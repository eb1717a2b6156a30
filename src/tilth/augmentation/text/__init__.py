"""A text as words.

In: a text. Out: its words, the slots that must be kept, n-grams, distances; and words back to a text. Another kind of
slot is a pattern in `slots.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.text.antonyms import replaces_by_opposite
    from tilth.augmentation.text.corpus import WorkspaceTexts, training_text_rows, workspace_texts
    from tilth.augmentation.text.detokenizer import Piece, as_sentence, corpus_spellings, detokenize, match_style
    from tilth.augmentation.text.distance import MIN_REWORDING, edit_distance, rewording
    from tilth.augmentation.text.eligibility import MAX_SOURCE_TOKENS, unfit_reason
    from tilth.augmentation.text.ngrams import BEGIN, END, text_ngrams, with_boundaries, word_ngrams
    from tilth.augmentation.text.salience import salient_words
    from tilth.augmentation.text.slots import find_slots, frame_json, keeps_slots
    from tilth.augmentation.text.words import WORD_PATTERN, Word, split_words, stem, uncased

__getattr__, __dir__ = lazy_exports(__name__)
