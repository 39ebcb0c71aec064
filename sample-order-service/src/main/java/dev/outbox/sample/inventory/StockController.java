package dev.outbox.sample.inventory;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import java.util.List;
import java.util.UUID;
import org.springframework.http.HttpStatus;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/** Stock over HTTP. */
@RestController
class StockController {

    private static final String SKU = "[A-Za-z0-9._-]{1,64}";

    private final StockStore stock;

    StockController(StockStore stock) {
        this.stock = stock;
    }

    /** How much there is from now on, beside what is reserved. */
    record NewStock(@NotNull @Min(0) @Max(1_000_000_000) Long available) {}

    @GetMapping("/stock")
    List<Stock> list(@RequestParam(defaultValue = "100") @Min(1) @Max(1000) int limit) {
        return stock.list(limit);
    }

    @GetMapping("/stock/{sku}")
    Stock get(@PathVariable @Pattern(regexp = SKU) String sku) {
        return stock.find(sku)
                .orElseThrow(() -> new ResponseStatusException(HttpStatus.NOT_FOUND, "There is no stock of " + sku));
    }

    @PutMapping("/stock/{sku}")
    @Transactional
    public Stock set(@PathVariable @Pattern(regexp = SKU) String sku, @Valid @RequestBody NewStock wanted) {
        stock.setAvailable(sku, wanted.available());
        return get(sku);
    }

    /** What became of an order's lines; empty as long as nothing of it was received. */
    @GetMapping("/reservations/{orderId}")
    List<Reservation> reservations(@PathVariable UUID orderId) {
        return stock.reservations(orderId);
    }
}
