package dev.outbox.relay.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outbox.relay.broker.BrokerSession;
import dev.outbox.relay.broker.Failure;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class UnconfirmedTest {

    private final Unconfirmed unconfirmed = new Unconfirmed();
    private final List<Integer> accepted = new ArrayList<>();
    private final List<String> failed = new ArrayList<>();

    private boolean add(int number) {
        RabbitRoutes.Target target =
                new RabbitRoutes.Target(RabbitRoute.to("orders", "{type}"), "orders", "a.b", "orders:a.b");
        return unconfirmed.add(new Unconfirmed.Sent(number, target, 1, new BrokerSession.Delivery() {
            @Override
            public void accepted(String destination, long offset) {
                accepted.add(number);
            }

            @Override
            public void failed(Failure failure) {
                failed.add(number + " " + failure.kind());
            }
        }));
    }

    private void addAll(int from, int to) {
        IntStream.rangeClosed(from, to)
                .forEach(number -> assertThat(add(number)).isTrue());
    }

    @Test
    void confirmsComeInAnyOrderOneByOneAndForAllUpToATag() {
        addAll(1, 6);
        unconfirmed.confirm(3, false);
        unconfirmed.confirm(1, false);
        unconfirmed.confirm(4, true);
        unconfirmed.confirm(4, true);
        unconfirmed.confirm(6, false);
        assertThat(accepted).containsExactly(3, 1, 2, 4, 6);
        assertThat(unconfirmed.isEmpty()).isFalse();
        unconfirmed.confirm(5, false);
        assertThat(unconfirmed.isEmpty()).isTrue();
    }

    @Test
    void tagsThatNobodyHasAreNobodys() {
        addAll(1, 2);
        unconfirmed.confirm(7, false);
        unconfirmed.confirm(9, true);
        unconfirmed.confirm(1, false);
        assertThat(accepted).containsExactly(1, 2);
    }

    /** Many more than the ring holds at first, confirmed at random. */
    @Test
    void growsAndAnswersEachOnce() {
        Random random = new Random(7);
        TreeSet<Integer> open = new TreeSet<>();
        for (int number = 1; number <= 20_000; number++) {
            add(number);
            open.add(number);
            if (number > 5_000 && random.nextInt(3) > 0) {
                Integer tag = open.ceiling(open.first() + random.nextInt(100));
                int one = tag == null ? open.first() : tag;
                boolean multiple = random.nextInt(20) == 0;
                unconfirmed.confirm(one, multiple);
                if (multiple) {
                    open.headSet(one, true).clear();
                } else {
                    open.remove(one);
                }
            }
        }
        unconfirmed.confirm(20_000, true);
        assertThat(accepted).hasSize(20_000).doesNotHaveDuplicates();
        assertThat(unconfirmed.isEmpty()).isTrue();
    }

    @Test
    void whatCameBackFailsWhenItIsConfirmed() {
        addAll(1, 3);
        unconfirmed.returned(2, 312, "NO_ROUTE");
        assertThat(failed).isEmpty();
        unconfirmed.confirm(3, true);
        assertThat(accepted).containsExactly(1, 3);
        assertThat(failed).containsExactly("2 MESSAGE");
    }

    @Test
    void whatIsRefusedIsAnOutage() {
        addAll(1, 3);
        unconfirmed.refuse(2, true);
        assertThat(failed).containsExactly("1 OUTAGE", "2 OUTAGE");
    }

    @Test
    void whatWasNotPublishedAfterAllCountsForNoTag() {
        addAll(1, 2);
        unconfirmed.withdraw();
        addAll(3, 3);
        unconfirmed.confirm(2, false);
        assertThat(accepted).containsExactly(3);
    }

    @Test
    void afterTheEndNothingIsAddedAndWhatIsLeftIsGivenOnce() {
        addAll(1, 3);
        unconfirmed.confirm(2, false);
        assertThat(unconfirmed.close()).extracting(Unconfirmed.Sent::seq).containsExactly(1L, 3L);
        assertThat(unconfirmed.close()).isEmpty();
        assertThat(add(4)).isFalse();
        unconfirmed.confirm(3, true);
        assertThat(accepted).containsExactly(2);
    }
}
