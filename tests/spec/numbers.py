#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: numbers.py PROGRAM

Gives PROGRAM (tests/tools/numbers) texts of sizes, durations and whole numbers, at random and around every
bound, and compares what it makes of them with what Python's integers, which have no bound, say.
"""
import random
import re
import subprocess
import sys

UNITS = {"": 1, "b": 1}
for power, letter in enumerate("kmgt", 1):
    UNITS |= {letter: 1000 ** power, letter + "b": 1000 ** power}
    UNITS |= {letter + "i": 1024 ** power, letter + "ib": 1024 ** power}
TIMES = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "": 1000}
YEAR_MS = 366 * 24 * 3_600_000


def size(text):
    """The bytes, or None when the text has to be refused."""
    found = re.fullmatch(r"([0-9]+)(?:\.([0-9]{1,18}))? *([a-zA-Z]*)", text)
    if not found or found[3].lower() not in UNITS or int(found[1]) >= 2 ** 64:
        return None
    factor, fraction = UNITS[found[3].lower()], found[2] or ""
    exact = int(found[1] + fraction) * factor
    value = exact // 10 ** len(fraction)
    if value >= 2 ** 63 or (value == 0 and exact) or (factor == 1 and fraction):
        return None
    return value


def duration(text):
    if not re.fullmatch(r"[0-9]+|(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m(?!s))?([0-9]+s)?([0-9]+ms)?", text):
        return None
    total = sum(int(n) * TIMES[u] for n, u in re.findall(r"([0-9]+)(ms|d|h|m|s|)", text))
    return total if 0 < total <= YEAR_MS else None


def whole(text):
    return int(text) if re.fullmatch("[0-9]+", text) and int(text) < 2 ** 64 else None


def number(rng):
    """Digits of every length, many of them around a bound."""
    if rng.random() < .5:
        return str(rng.randrange(10 ** rng.randrange(1, 24)))
    unit = rng.choice(list(UNITS.values()) + list(TIMES.values()))
    bound = rng.choice([2 ** 63, 2 ** 64, 2 ** 31, 2 ** 32, YEAR_MS]) // unit
    return str(max(0, bound + rng.randrange(-2, 3)))


def spoil(rng, text):
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(["-", "+", " ", ".", "e9", "x", "0x", "_", ",", "\u0661"]) + text[at:]


def texts(rng):
    for _ in range(20000):
        unit = rng.choice(list(UNITS))
        fraction = "." + str(rng.randrange(10 ** rng.randrange(1, 22))) if rng.random() < .4 else ""
        yield "size", number(rng) + fraction + rng.choice(["", " "]) + rng.choice([unit, unit.upper()])
        times = rng.sample(list(TIMES), rng.randrange(1, 4))
        if rng.random() < .5:
            times.sort(key=TIMES.get, reverse=True)
        yield "duration", "".join(str(rng.randrange(100)) + u for u in times) if rng.random() < .5 else number(rng) + times[0]
        yield "whole", number(rng)


def main():
    rng = random.Random(20)
    asked = [("size", "18446744.9TB"), ("size", "0.1B"), ("size", "50Gi"), ("size", ""), ("duration", "")]
    for kind, text in texts(rng):
        asked.append((kind, spoil(rng, text) if rng.random() < .1 else text))
    answers = subprocess.run([sys.argv[1]], check=True, stdout=subprocess.PIPE, text=True,
                             input="".join(f"{kind} {text}\n" for kind, text in asked)).stdout.split()
    oracles = {"size": size, "duration": duration, "whole": whole}
    wrong = accepted = 0
    for (kind, text), answer in zip(asked, answers, strict=True):
        wanted = oracles[kind](text)
        accepted += wanted is not None
        if answer != ("refused" if wanted is None else str(wanted)):
            print(f"{kind} '{text}': {answer}, not {wanted}")
            wrong += 1
    print(f"{len(asked)} texts, {accepted} of them right, {wrong} taken for something else")
    return bool(wrong or accepted < 10000 or len(asked) - accepted < 10000)


sys.exit(main())
