"""The machine of the histories: what people, GitHub, AWS and faults do to two tenants, in any order.

The queue is simulated with what SQS may do: deliver twice, in any order, late, and give up after five receives; dead
letters come back by a move. Time goes on in whole minutes, with a reconciler in each. Every history has at least three
faults that strike: they are armed at its beginning, and it goes on until they have.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from codereview.domain.control.audit import Actor, ActorKind, Request
from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.parking import MAX_STRIKES, Park
from codereview.domain.review import SkipReason
from codereview.errors import ConflictError, RetryableError, ThrottledError
from tests.scenarios.events import NOW
from tests.scenarios.fake_desk import reserving
from tests.scenarios.faults import Blackout, Mode, Outage
from tests.scenarios.promises import expect_nothing_lost_or_doubled, reviews_by_id
from tests.scenarios.simulated_deployment import SimulatedDeployment, work_of
from tests.scenarios.two_tenants import MINUTE, STRANGER, WRITER, Fate, TenantsWorld
from tests.scenarios.world import FUNCTION_TIMEOUT, MAX_RECEIVES

PORTS = [
    "github", "model", "store", "turns", "agenda", "record_queue", "review_queue", "objects", "switches", "admission",
    "ledger", "deliveries", "lists", "memory", "jobs",
]  # fmt: skip
BY_HAND = Request(actor=Actor(kind=ActorKind.PERSON, id="github.com:7"), id="r", at=NOW)
HEADS = [character * 40 for character in "abcdef"]
BATCH = 10
FAULTS = 3  # that strike in each history, at least
A_LIFE = 40  # calls, fewer than a review takes in which nothing goes wrong

# From the end of all faults on: what was heard of waits with a due time or has ended, and what was not is found.
COMES_TO_REST = timedelta(minutes=15)
IS_FOUND = timedelta(hours=24)

OUT_OF_REACH = (SkipReason.NOT_OURS, SkipReason.INSTALLATION_GONE)

TENANTS, MODES = st.sampled_from([0, 1]), st.sampled_from(list(Mode))
ARMED = st.lists(
    st.tuples(TENANTS, st.integers(0, A_LIFE - 1), MODES),
    min_size=FAULTS,
    max_size=2 * FAULTS,
    unique_by=lambda fault: fault[:2],
)


@dataclass
class Tally:
    """What happened in all histories of a run that came to rest."""

    histories: Counter[int] = field(default_factory=Counter)  # by the number of faults that struck
    refused_writes: int = 0  # by the fence
    lost: int = 0  # webhooks that never came, or not at first
    longest: timedelta = timedelta()  # from the end of the faults to rest


class Histories(RuleBasedStateMachine):
    """Two tenants with a pull request each; one clock, one queue, one function."""

    tally: ClassVar[Tally] = Tally()

    def __init__(self) -> None:
        super().__init__()
        self.system = SimulatedDeployment()
        self.worlds, self.queue = self.system.worlds, self.system.queue
        self.done_by_hand: list[str] = []
        self.armed: list[Outage] = []
        self.sleepers = self.lost = 0

    def _tell(self, tenant: int, envelope: Envelope) -> None:
        """Have GitHub send a webhook, with whatever becomes of it."""
        world, is_command = self.worlds[tenant], envelope.trigger is Trigger.COMMAND
        fate, world.fate = world.fate, Fate.ARRIVES
        if fate is Fate.ARRIVES:
            self.system.accept(envelope)
        elif fate is Fate.FAILS:
            world.log.fail(envelope)
        self.lost += fate is not Fate.ARRIVES
        if not is_command:
            world.is_unheard = fate is not Fate.ARRIVES or not world.has_access
        elif fate is not Fate.NEVER_SENT:  # a comment is in no list that the sweep reads
            world.commands[envelope.trigger_id or 0] = envelope.sender_id or 0

    def _send(self, tenant: int, action: str) -> None:
        self.worlds[tenant].change()
        self._tell(tenant, self.worlds[tenant].event(action))

    @initialize(faults=ARMED)
    def begin(self, faults: list[tuple[int, int, Mode]]) -> None:
        """Arm the faults, at calls that will surely be made, and open the pull requests."""
        for tenant, at, mode in faults:
            self.armed.append(Outage(at=at, mode=mode))
            self.worlds[tenant].outages.append(self.armed[-1])
        for tenant in (0, 1):
            self._send(tenant, "opened")

    # --- what people do

    @rule(tenant=TENANTS, head=st.sampled_from(HEADS))
    def push(self, tenant: int, head: str) -> None:
        self.worlds[tenant].head = head
        self._send(tenant, "synchronize")

    @rule(tenant=TENANTS)
    def draft_and_back(self, tenant: int) -> None:
        world = self.worlds[tenant]
        world.is_draft = not world.is_draft
        self._send(tenant, "converted_to_draft" if world.is_draft else "ready_for_review")

    @rule(tenant=TENANTS)
    def close_and_reopen(self, tenant: int) -> None:
        world = self.worlds[tenant]
        world.is_open = not world.is_open
        self._send(tenant, "reopened" if world.is_open else "closed")

    @rule(tenant=TENANTS, sender=st.sampled_from([WRITER, WRITER, STRANGER]))
    def ask_for_a_review(self, tenant: int, sender: int) -> None:
        """Write `/review` as a comment."""
        self._tell(tenant, self.worlds[tenant].comment(sender))

    @rule(tenant=TENANTS)
    def suspend_and_let_in_again(self, tenant: int) -> None:
        world = self.worlds[tenant]
        world.is_suspended = not world.is_suspended
        world.is_unheard = True

    @rule(tenant=TENANTS)
    def remove_the_repository_and_add_it_again(self, tenant: int) -> None:
        world = self.worlds[tenant]
        world.is_known = not world.is_known
        world.is_unheard = True

    @rule(tenant=TENANTS)
    def transfer(self, tenant: int) -> None:
        """Move the repository to an account that has our App too, or back."""
        world = self.worlds[tenant]
        (world.account,) = set(world.accounts) - {world.account}
        world.is_unheard = True

    @rule(tenant=TENANTS, minutes=st.integers(1, 90))
    def pause(self, tenant: int, minutes: int) -> None:
        until = self.system.now + MINUTE * minutes
        self.worlds[tenant].holding = lambda now: Park(reason="a pause", until=now + MINUTE) if now < until else None

    @rule(tenant=TENANTS, minutes=st.integers(1, 90))
    def spend_the_budget(self, tenant: int, minutes: int) -> None:
        until = self.system.now + MINUTE * minutes
        self.worlds[tenant].admission = lambda request: (
            Park(reason="the budget", until=until) if self.system.now < until else reserving(request)
        )

    # --- what goes wrong

    @rule(tenant=TENANTS, fate=st.sampled_from([Fate.FAILS, Fate.NEVER_SENT]))
    def lose_the_next_webhook(self, tenant: int, fate: Fate) -> None:
        self.worlds[tenant].fate = fate

    @rule(tenant=TENANTS, ahead=st.integers(0, 25), mode=MODES)
    def break_a_call(self, tenant: int, ahead: int, mode: Mode) -> None:
        world = self.worlds[tenant]
        world.outages.append(Outage(at=len(world.calls) + ahead, mode=mode))

    @rule(
        tenant=TENANTS,
        prefix=st.sampled_from(PORTS),
        minutes=st.integers(1, 90),
        error=st.sampled_from([RetryableError, ThrottledError]),
    )
    def black_out(self, tenant: int, prefix: str, minutes: int, error: type[RetryableError]) -> None:
        world = self.worlds[tenant]
        world.blackouts.append(Blackout(prefix=prefix, until=world.now + MINUTE * minutes, error=error))

    @rule(
        tenant=TENANTS,
        happening=st.sampled_from(["push", "close", "oversleep", "meet", "meet after a push"]),
        is_late=st.booleans(),
    )
    def happen_meanwhile(self, tenant: int, happening: str, *, is_late: bool) -> None:
        """Let something happen while the model thinks, or later: between the look for our review and the post."""
        world = self.worlds[tenant]

        def happen() -> None:
            if happening in ("push", "meet after a push"):
                world.head = HEADS[(HEADS.index(world.head) + 1) % len(HEADS)]
            if happening == "close":
                world.is_open = False
            if happening == "oversleep":
                self.sleepers += 1
                self.system.advance(FUNCTION_TIMEOUT * 2)
            self._send(tenant, "closed" if happening == "close" else "synchronize")
            if happening in ("meet", "meet after a push", "oversleep"):
                self.work(0, 1)

        def arm() -> None:
            world.before["github.pull_request"] = happen

        world.before["github.reviews" if is_late else "model.answer"] = arm if is_late else happen

    @rule(tenant=TENANTS, mode=MODES)
    def break_the_post(self, tenant: int, mode: Mode) -> None:
        world = self.worlds[tenant]
        world.before["github.create_review"] = lambda: world.outages.append(Outage(at=len(world.calls) - 1, mode=mode))

    @rule(index=st.integers(0, 20))
    def duplicate_a_message(self, index: int) -> None:
        self.queue.repeat(index)

    # --- what the platform does

    @rule(index=st.integers(0, 20), size=st.integers(1, BATCH))
    def work(self, index: int, size: int) -> None:
        """Run the function on a batch of both tenants' messages, whichever are first."""
        self.queue.bury()
        visible = self.queue.visible()
        start = index % len(visible) if visible else 0
        self.system.run((visible[start:] + visible[:start])[:size])

    @rule(minutes=st.integers(1, 40))
    def pass_time(self, minutes: int) -> None:
        for _ in range(minutes):
            self.system.advance(MINUTE)
            self.system.reconcile()

    @rule(rate=st.integers(1, 500))
    def move_back_by_hand(self, rate: int) -> None:
        with suppress(ConflictError):
            self.system.by_hand.start(messages_per_second=rate, request=BY_HAND)
            self.done_by_hand.append("redrive.start")

    @rule(moved=st.integers(0, 5))
    def cancel_the_move(self, moved: int) -> None:
        """Stop a move after some letters."""
        self.queue.go_on_moving(most=moved)
        with suppress(ConflictError):
            self.system.by_hand.cancel(request=BY_HAND)
            self.done_by_hand.append("redrive.cancel")

    # --- what always holds, by the numbers of the invariants

    @invariant()
    def i1_i8_every_accepted_message_is_somewhere_until_its_work_is_done(self) -> None:
        queued = {work_of(message.body) for message in self.queue.messages + self.queue.dead}
        assert self.system.owed.keys() <= queued | self.system.held, "a message is nowhere"

    @invariant()
    def i8_attempts_are_bounded(self) -> None:
        assert all(message.receives <= MAX_RECEIVES for message in self.queue.messages)
        for world in self.worlds:
            assert all(item.strikes <= MAX_STRIKES + 1 for item in world.items.values())

    @invariant()
    def i3_no_review_is_posted_twice(self) -> None:
        for world in self.worlds:
            reviews_by_id(world)

    @invariant()
    def i5_every_head_is_read_right_before_its_post(self) -> None:
        for world in self.worlds:
            assert world.hasty_posts == [], "a review is posted blindly"

    @invariant()
    def i6_a_worker_without_the_lease_changes_nothing(self) -> None:
        for world in self.worlds:
            assert world.stale_writes == 0, "an old fence was good for a write"

    @invariant()
    def i7_no_answer_is_bought_twice_without_a_reason(self) -> None:
        for world in self.worlds:
            faults = sum(outage.has_fired for outage in world.outages)
            faults += sum(blackout.hits for blackout in world.blackouts) + self.sleepers
            assert world.model_calls <= len(world.items) + faults, "money is spent twice"

    @invariant()
    def i8_every_unfinished_review_has_a_due_time(self) -> None:
        for world in self.worlds:
            for item in world.items.values():
                assert item.is_settled or item.due_at is not None, item.state

    @invariant()
    def i11_no_tenant_has_anothers_reviews(self) -> None:
        for world in self.worlds:
            own = {f"github.com:{account}" for account in world.accounts}
            assert {item.key.tenant for item in world.items.values()} <= own

    @invariant()
    def i12_everything_that_is_done_by_hand_is_audited_once(self) -> None:
        assert self.system.outbox.actions == self.done_by_hand

    # --- how it ends

    def teardown(self) -> None:
        if not self.armed:
            return  # it never began
        self.live_on()
        assert self.faults >= FAULTS
        self.heal()
        for world in self.worlds:
            self.expect_all_is_well(world)
        self._count()

    @property
    def faults(self) -> int:
        """How many faults have struck."""
        outages = sum(outage.has_fired for world in self.worlds for outage in world.outages)
        return outages + sum(blackout.hits > 0 for world in self.worlds for blackout in world.blackouts)

    def _count(self) -> None:
        self.tally.histories[self.faults] += 1
        self.tally.refused_writes += sum(world.refused_writes for world in self.worlds)
        self.tally.lost += self.lost
        self.tally.longest = max(self.tally.longest, self.system.now - self.healed_at)

    def live_on(self) -> None:
        """Let those of the armed faults strike that no call has reached yet."""
        for _ in range(100):
            if all(outage.has_fired for outage in self.armed):
                return
            for tenant, world in enumerate(self.worlds):
                if not world.waits and any(outage in self.armed and not outage.has_fired for outage in world.outages):
                    self._send(tenant, "synchronize")
            self.system.go_on()
        raise AssertionError("the armed faults never strike")

    def heal(self) -> None:
        """End all faults and pauses, let us in everywhere, and let it come to rest, within the two bounds."""
        for tenant, world in enumerate(self.worlds):
            self._mend(tenant, world)
        self.healed_at = self.system.now
        for bound in (COMES_TO_REST, IS_FOUND):
            while self.system.now < self.healed_at + bound and not self.system.is_at_rest:
                self.system.go_on(until=self.healed_at + bound)
            if bound is COMES_TO_REST:
                self._expect_what_was_heard_to_wait_or_to_have_ended()
        assert self.system.is_at_rest, "it never came to rest"

    def _mend(self, tenant: int, world: TenantsWorld) -> None:
        for outage in world.outages:
            outage.at = outage.at if outage.has_fired else -1
        for blackout in world.blackouts:
            blackout.until = min(blackout.until, self.system.now)
        world.before.clear()
        world.fate, world.holding = Fate.ARRIVES, lambda _: None
        if not world.has_access:
            world.is_suspended, world.is_known, world.is_unheard = False, True, True
        if not world.is_open or world.is_draft:
            world.is_open, world.is_draft = True, False
            self._send(tenant, "reopened")

    def _expect_what_was_heard_to_wait_or_to_have_ended(self) -> None:
        late = self.system.now - 2 * MINUTE
        for world in self.worlds:
            assert min(world.due_times, default=late) >= late, "what is due is not taken up"
            known = {(item.key.head_sha, item.key.tenant) for item in world.items.values()}
            is_known = (world.head, world.tenant) in known or world in self.system.owed.values()
            assert world.is_unheard or is_known, "what was heard is neither waiting nor done"
        assert all(message.visible_at >= late for message in self.queue.messages)

    def expect_all_is_well(self, world: TenantsWorld) -> None:
        """Hold the promises."""
        self.i3_no_review_is_posted_twice()
        assert world.is_reviewed, "the head's review is lost"
        expect_nothing_lost_or_doubled(world, has_access=not world.was_shut_out, gone=OUT_OF_REACH)
        asked = {item.key.kind: item for item in world.items.values()}
        for comment, sender in world.commands.items():
            item = asked.get(f"{Trigger.COMMAND}:{comment}")
            assert item is not None or world.was_shut_out, "a command is lost"
            assert item is None or sender == WRITER or item.github_review_id is None, "a stranger is obeyed"
