package dev.outbox.sample.order;

import jakarta.validation.constraints.Digits;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.PositiveOrZero;
import java.math.BigDecimal;

/** One line of what a customer orders. */
record NewItem(
        @NotNull @Pattern(regexp = NewItem.SKU, message = "must be 1 to 64 letters, digits, '.', '_' or '-'")
        String sku,

        @Min(1) @Max(1000) int quantity,

        @NotNull @PositiveOrZero @Digits(integer = 10, fraction = 2)
        BigDecimal unitPrice) {

    static final String SKU = "[A-Za-z0-9._-]{1,64}";

    Order.Item toItem() {
        return new Order.Item(sku, quantity, unitPrice.setScale(2));
    }
}
