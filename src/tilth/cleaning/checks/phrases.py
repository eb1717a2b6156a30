"""What machines, signatures, tests and bulk mail are known by: phrases, few enough to be read."""

from __future__ import annotations

import re


def _any(*parts: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(parts)})", re.IGNORECASE)


_WORD = re.compile(r"\w+")
_TESTS = frozenset(
    {"test", "testing", "tests", "teste", "testnachricht", "prueba", "prova", "essai", "тест", "проверка"}
)
_WITH_TEST = frozenset(
    word
    for line in (
        "this is just only a an the my our please hello hi ok one two three 1 2 3 123 1234",
        "mic mike sound message mail email e check checking ignore do not reply thing on working",
        "can you anyone see hear read me",
    )
    for word in line.split()
)
"""Words that people write around "test" when they try whether anything arrives."""
_TAKEN_BACK = _any(
    r"\bwrong (?:chat|person|thread|window|group|channel|tab|conversation)\b",
    r"\b(?:ignore|disregard) (?:this|that|my|the) (?:(?:last|previous) )?(?:message|e?mail|text|one)\b",
)
_SHORT = 8  # words


def test(text: str) -> bool:
    """Whether somebody tries whether a message arrives, or says that one was not meant to be sent here.

    >>> test("testing testing 123"), test("sorry, wrong chat"), test("Where are my test results?")
    (True, True, False)
    """
    words = [word.lower() for word in _WORD.findall(text[:200])]
    if any(word in _TESTS for word in words) and all(word in _TESTS or word in _WITH_TEST for word in words):
        return True
    return len(words) <= _SHORT and bool(_TAKEN_BACK.search(text))


_BEGINNING = _any(
    r"^(?:re: ?)?(?:automatic (?:reply|response)|auto[- ]?(?:reply|response)|out of (?:the )?office) ?[:\W]",
    r"^(?:automatische antwort|abwesenheitsnotiz|réponse automatique|respuesta automática|risposta automatica)\b",
    r"^(?:resposta automática|automatyczna odpowiedź|otomatik yanıt)\b",
    r"^(?:mailer[- ]daemon|delivery status notification|undelivered mail returned|undeliverable:)",
)
"""How a text begins that a program sent."""
_SENTENCES = _any(
    r"\bi(?:'m| am|’m) (?:currently |now )*(?:out of (?:the )?office|away from (?:my desk|the office)|on (?:"
    r"(?:annual|maternity|paternity|parental|sick|extended) )?(?:leave|holiday|vacation))\b"
    r".*\b(?:limited access|will|return\w*)\b",
    r"^thank you for (?:your (?:e-?mail|message)|contacting (?:us|me))$|^your (?:e-?mail|message) (?:has|will|is) ",
    r"^(?:for|in) (?:anything |any |an )?(?:urgent|emergency|emergencies).*\bcontact\b",
    r"\bdelivery to the following recipients? (?:has )?failed\b|\brecipient(?:'s)? mailbox (?:is )?full\b",
    r"^(?:this|the) (?:e-?mail|message|communication)(?: and any [\w ]{1,60})? (?:is|are|may be|contains?) "
    r"(?:strictly )?(?:confidential|privileged)",
    r"\bintended (?:solely|only|exclusively) for the (?:addressee|(?:named |intended )?recipient|use of)",
    r"^if you (?:have received|are not the intended) .*\b(?:delete|notify|destroy|inform)\b",
    r"^this is an automat(?:ed|ic) (?:message|e-?mail|response)|^please do not reply to this (?:e-?mail|message)",
    r"^please (?:consider the environment|think before you print)",
    r"^sent (?:from|via|with) (?:my )?[\w ]{2,30}$|^get \w+ for (?:ios|android|windows|mac)$",
    r"^(?:(?:von|mit) meinem [\w ]{2,20} gesendet|gesendet (?:von|mit) [\w ]{2,20})$",
    r"^(?:envoyé (?:de|depuis) mon [\w ]{2,20}|enviado desde mi [\w ]{2,20})$",
)
"""Sentences that stand under messages; a text that holds no other is no message."""
_SPLIT = re.compile(r"[.!?\n]+(?:\s+|$)")
_CLOSING = _any(
    r"^(?:(?:kind|best|warm|with) )?regards\b|^(?:yours (?:sincerely|faithfully|truly)|sincerely|all the best)\b",
    r"^(?:mit freundlichen grüßen|freundliche grüße|(?:bien )?cordialement|(?:un )?saludos?|cordiali saluti)\b",
)
_CONTACT = (
    _any(r"(?<!\d)(?:\+\d{1,3}[ .-]?)?\(?\d{2,5}\)?[ .-]?\d{3,4}[ .-]?\d{3,4}(?!\d)"),
    _any(r"(?<![^\s@])[^\s@]{1,64}@[^\s@]{1,255}\.\w+|\bwww\.|https?://"),
    _any(r"\bpronouns?:? (?:she|he|they)\b|\((?:she/her|he/him|they/them)\)"),
    _any(r"\bconsider the environment\b|\bthink before (?:you )?print"),
    _any(r"\b(?:open|hours:?) (?:mon|tue|wed|thu|fri|sat|sun)\w* (?:to|-|–) "),
)
_OFFICE = (
    _any(r"^(?:dr|prof|mr|mrs|ms|dipl\.-ing)\.? [A-Z]"),
    re.compile(r"\b(?:Ltd|LLP|LLC|Inc|GmbH|PLC|Practice|Associates|Partners|Solicitors|Consulting)\b"),
    _any(r"\b(?:manager|director|surveyor|consultant|engineer|officer|assistant|executive|advisor)\b"),
    _any(r"\b(?:unit|suite|floor|room) \d+\b|\b\d+ \w+ (?:street|road|avenue|lane|yard)\b"),
    re.compile(r"\b(?:PhD|MBA|BSc|MSc|BA|MA|FRICS|MRICS|[A-Z]{2,}[a-z]{1,2}|MR[A-Z]{3})\b"),
    _any(r"\|.*\|"),
)
_PERSON = _any(r"\b(?:i|i'm|i've|my|me|you|we|our|us)\b|\?")


def automatic(text: str) -> bool:
    """Whether a program wrote it, or it is a signature or a disclaimer without a message.

    >>> automatic("Sent from my iPad"), automatic("I am on maternity leave, how do I pay my bill?")
    (True, False)
    """
    if _BEGINNING.search(text) or _signature(text):
        return True
    parts = [part.strip(" ,;") for part in _SPLIT.split(text)]
    # A word of greeting, or a name, may stand beside them.
    return bool(_SENTENCES.search(text)) and all(_SENTENCES.search(part) or len(part.split()) < 2 for part in parts)


def _signature(text: str) -> bool:
    contact = sum(bool(part.search(text)) for part in _CONTACT)
    office = sum(bool(part.search(text)) for part in _OFFICE)
    least = 2 if _CLOSING.search(text) else 3
    return contact >= 1 and contact + office >= least and not _PERSON.search(text)


_BULK = (
    _any(r"\b(?:seo|search engines?|page one|backlinks?|do-?follow|guest posts?|link building|web ?site traffic)\b"),
    _any(
        r"\bshall (?:i|we) send\b|\bbest (?:price|quote|offer)s?\b|\bcatalogue? attached\b|\bmoq\b|\bwholesale\b",
        r"\bwe (?:manufacture|supply|export|are (?:a )?(?:leading|professional))\b|[£$€] ?\d+ (?:per|each|a) \w+",
        r"\bfree (?:quote|consultation|trial)\b|\b(?:\d+p|[£$€]\d[\d.]*) ?(?:/|per|a) ?(?:msg|min|text|call)\b",
    ),
    _any(
        r"\bcongrat(?:s|ulations?)\b",
        r"\b(?:you|u|mailbox|number) (?:have |has )?(?:been )?(?:won|selected|chosen|awarded)\b",
        r"\b(?:gift|shopping|supermarket|cash|holiday) (?:cards?|vouchers?|prizes?|rewards?)\b|\bguaranteed\b",
        r"\b(?:prizes?|lottery|jackpot|winners?|sweepstakes?)\b",
    ),
    _any(
        r"\b(?:click|tap) (?:here|below|to|now|the link)\b|\bclaim (?:your|before|now|it|code)\b|\bto claim\b",
        r"\breply (?:yes|stop|with|y)\b|\b(?:text|txt|send) [A-Z]\w* (?:to|on) \d{4,}",
        r"\bcall (?:now|free)\b|\bcall 0\d{8,}",
        r"\b(?:act now|limited (?:time )?offer|do(?:n'?t| not) miss out|opt[- ]?out|to unsubscribe|2 stop|to stop)\b",
    ),
    _any(
        r"\b(?:business|company) (?:funding|loans?|finance)\b|\bno credit checks?\b|\b(?:casino|cbd|forex|viagra)\b",
        r"\binvestment opportunity\b|\b(?:funding|loans?|credit) (?:of )?up to [£$€] ?\d",
        r"\b(?:make|earn) money (?:fast|online)",
    ),
    _any(
        r"\b(?:dear|hello|hi|attention)[ ,]+(?:web ?site owner|webmaster|site owner|business owner|beneficiary)\b",
        r"\besteemed (?:company|customer|organi[sz]ation)\b|\bwe noticed (?:that )?your (?:web)?site\b",
        r"\byour (?:organi[sz]ation|company|website) (?:like|wish|need|want)s? to\b",
        r"\bour (?:\w+ )?(?:experts|desk|specialists)\b",
    ),
)
_FIRST = re.compile(r"\b(?:i|I|my|My|me|I'm|im)\b")


def bulk(text: str) -> bool:
    """Whether phrases of two families of unsolicited offers meet in it, of three where somebody speaks of themselves.

    >>> bulk("Congratulations! You have won a 500 pound prize, text YES to 80080")
    True
    >>> bulk("I keep getting texts that say congratulations, click here to claim a voucher. How do I stop them?")
    False
    """
    families = sum(bool(family.search(text)) for family in _BULK)
    return families >= (3 if _FIRST.search(text) else 2)
