"""What people write: comments in four languages, with the line breaks, quotes and commas of real text.

Some hold an address or a number, as real comments do, so that redaction has something to find.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo import draws
from pipelines.demo.columns import labels
from pipelines.demo.draws import Floats, Keys

_BAD, _MIXED, _GOOD = range(3)
# locale x mood x text
_TEXTS = (
    (
        (
            "Dreimal angerufen, dreimal weitergereicht.\nAm Ende hieß es: „Dafür sind wir nicht zuständig.“",
            "Viel zu spät, und keiner sagt einem etwas.",
            "Die Ware ist in Ordnung, aber so möchte ich nicht behandelt werden",
            "Rückruf bitte an kunde@example.org oder +49 00 99999999; ich warte seit Tagen!",
        ),
        ("Geht so.", "Preis gut, Bedienung eilig.", "Ware ok, Verpackung: zu viel Plastik"),
        ("Sehr freundlich, danke!", "Alles wie versprochen.\n\nGerne wieder.", "Endlich jemand, der zuhört"),
    ),
    (
        (
            'Passed from desk to desk.\nThe last one said "not my department", and hung up.',
            "Late again, and nobody told me.",
            "Nothing wrong with the product, but I felt like a number",
            "Please call me: +44 (0)00 99999999, or write to someone@example.com",
        ),
        ("It was fine, I suppose.", "Good price, long wait", "OK, but the website is slow, very slow"),
        (
            'They said "we will fix it today", and they did.',
            "Lovely people.",
            "Quick, honest, friendly.\nThank you",
        ),
    ),
    (
        (
            "On m'a renvoyé de service en service.\nPersonne ne m'a écouté.",
            "En retard, encore une fois…",
            "Produit correct, accueil froid",
            "Merci de me rappeler, ou écrire à client@example.net",
        ),
        ("Ça va.", "Bon prix, mais peu de choix", "Correct, sans plus"),
        ("Très bon accueil, merci !", "Comme promis.\nJe reviendrai.", "Une équipe « à l'écoute »"),
    ),
    (
        (
            "何度もたらい回しにされました。\n最後まで話を聞いてもらえませんでした。",
            "届くのが遅く、連絡もありませんでした。",
            "商品は問題ありませんが、対応が冷たく感じました",
            "連絡先は kyaku@example.jp です。返事をお待ちしています。",
        ),
        ("普通です。", "価格は良いが、待ち時間が長い", "まあまあです"),
        (
            "とても丁寧でした。ありがとうございます。",
            "約束どおりでした。\nまた利用します。",
            "話をよく聞いてくれた",
        ),
    ),
)
_COLLEAGUES = (
    ("Nobody asks us before things change.", "Too few people, every Saturday.\nWe apologise all day."),
    ("OK.", "Tools could be better, the team is fine"),
    ("A team that listens.", "Proud of what we do here"),
)


def of_customers(keys: Keys, locale: NDArray[np.int64], mood: Floats, share: float) -> pl.Series:
    """A comment for about ``share`` of the people, more of them where the mood is bad; null for the others."""
    writes = draws.uniform(keys, "writes") < np.where(mood < -1, 1.8, 1.0) * share
    kind = np.where(mood < -1, _BAD, np.where(mood < 0.5, _MIXED, _GOOD))  # noqa: PLR2004
    most = max(len(texts) for moods in _TEXTS for texts in moods)
    table = [text for moods in _TEXTS for texts in moods for text in _padded(texts, most)]
    number = (locale * len(_TEXTS[0]) + kind) * most + draws.whole(keys, "text", most)
    return labels(table, np.where(writes, number, -1))


def of_colleagues(keys: Keys, mood: Floats, share: float) -> pl.Series:
    writes = draws.uniform(keys, "writes") < share
    kind = np.digitize(mood, [-0.5, 0.4])
    table = [text for texts in _COLLEAGUES for text in texts]
    number = kind * len(_COLLEAGUES[0]) + draws.whole(keys, "text", len(_COLLEAGUES[0]))
    return labels(table, np.where(writes, number, -1))


def _padded(texts: tuple[str, ...], length: int) -> list[str]:
    return [texts[n % len(texts)] for n in range(length)]
