"""What is to happen in a call and when, thrown with the call's own dice: seed and number give the same plan again."""

import random

REFUSALS = {"browser": (486, 480, 603, 486), "trunk": (486, 404, 480, 603, 503, 500, 302, 408, 481)}
ACTS = ("hold", "hold", "resume", "same", "late", "options", "info", "wrong tag", "old cseq", "stranger", "register", "glare",
        "cancelled offer", "message", "update", "update with offer", "refer")
NEVER = 1 << 30


class Plan:
    def __init__(self, seed, number, options):
        dice = self.dice = random.Random(f"{seed}/{number}")
        self.direction = dice.choices(("browser-trunk", "trunk-browser", "browser-browser"), (45, 40, 15))[0]
        self.with_media = options.media and dice.random() < options.media_share
        self.is_late = dice.random() < 0.06
        self._called(dice)
        self._caller(dice)
        self.acts = []
        self.talk = min(dice.expovariate(1 / 1.2), 5.0) if dice.random() < 0.8 else dice.random() * 0.05
        for side in ("caller", "called"):
            while dice.random() < 0.42:
                self.acts.append((dice.random() * self.talk, side, dice.choice(ACTS)))
        if self.with_media:
            self.talk += 2.0
        self.changes_sound = any(what not in ("options", "info", "message", "register", "update", "refer") for _, _, what in self.acts)
        self.hang_up = dice.choices((("caller",), ("called",), ("caller", "called")), (42, 42, 16))[0]
        self.hang_up_skew = dice.choice((0.0, 0.0, 0.005, 0.02))
        self._outages(dice)
        if options.quick:
            self.lost_acks = min(self.lost_acks, 2)
            self.on_cancel = "487" if self.on_cancel == "nothing" else self.on_cancel

    def _called(self, dice):
        called = self.called = self.direction.split("-")[1]
        self.ringing = []  # (delay, status, with an early answer, which fork)
        self.outcome = dice.choices(("answer", "refuse", "silent"), (82, 13, 5))[0]
        self.after = dice.random() * dice.choice((0.03, 0.3, 1.5))  # of the final response
        self.refusal = dice.choice(REFUSALS[called])
        forks = 3 if called == "trunk" and dice.random() < 0.05 else 1
        for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
            early = called == "trunk" and dice.random() < 0.3
            self.ringing.append((dice.random() * self.after, 183 if early else 180, early, dice.randrange(forks)))
        self.ringing.sort()
        self.is_reliable = called == "trunk" and forks == 1 and dice.random() < 0.2  # RFC 3262, if the INVITE allows it
        self.answering_fork = forks - 1
        self.second_answer = forks > 1 and dice.random() < 0.5  # of another fork
        self.bye_at_once = dice.choice((0.0, 0.003, 0.02)) if dice.random() < 0.06 else None  # before the ACK is there
        self.on_cancel = dice.choices(("487", "200", "481", "nothing"), (80, 12, 6, 2))[0]
        if called == "browser" and self.on_cancel in ("481", "nothing"):
            self.on_cancel = "487"
        self.deaf_to_acks = dice.choice((1, 2)) if dice.random() < 0.04 else 0

    def _caller(self, dice):
        self.cancel_after = None
        if dice.random() < 0.2:
            self.cancel_after = max(0.0, self.after + dice.uniform(-0.03, 0.03) if dice.random() < 0.6
                                    else dice.random() * self.after)
        self.early_bye = dice.random() < 0.1  # BYE in the early dialog instead of a CANCEL
        self.repeats = dice.choice((1, 2, 5)) if dice.random() < 0.08 else 0
        lost = dice.random()
        self.lost_acks = NEVER if lost < 0.003 else dice.choice((1, 2)) if lost < 0.05 else 0
        self.ack_delay = dice.random() * 0.1 if dice.random() < 0.1 else 0.0

    def _outages(self, dice):
        self.outages = []  # (after, side, how, seconds)
        for side, kind in zip(("caller", "called"), self.direction.split("-")):
            if kind != "browser" or dice.random() >= 0.035:
                continue
            seconds = dice.random() * 0.6 if dice.random() < 0.75 else 3.0 + dice.random()
            self.outages.append((dice.random() * (self.after + self.talk), side, dice.choice(("close", "reset", "silent")),
                                 seconds))

    def __str__(self):
        parts = [f"{name}={value}" for name, value in vars(self).items() if name != "dice" and value not in (None, [], 0, False)]
        return ", ".join(parts)
