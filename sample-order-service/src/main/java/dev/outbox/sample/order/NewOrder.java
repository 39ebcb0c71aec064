package dev.outbox.sample.order;

import jakarta.validation.Valid;
import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a customer orders. */
record NewOrder(
        @NotNull
        @Size(min = 1, max = 100)
        @Pattern(regexp = "[^\\p{Cntrl}]*", message = "must not hold control characters")
        String customer,

        @NotNull @Size(min = 1, max = 50) List<@NotNull @Valid NewItem> items) {

    @AssertTrue(message = "must not name a sku twice")
    boolean isEachSkuOnce() {
        // What is missing is reported for itself.
        @Nullable List<@Nullable NewItem> given = items;
        List<String> skus = given == null
                ? List.of()
                : given.stream()
                        .flatMap(Stream::ofNullable)
                        .map(NewItem::sku)
                        .flatMap(Stream::ofNullable)
                        .toList();
        return Set.copyOf(skus).size() == skus.size();
    }
}
