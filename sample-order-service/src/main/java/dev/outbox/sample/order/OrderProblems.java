package dev.outbox.sample.order;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;

/** Says what is wrong with a request as a problem detail (RFC 9457). */
@RestControllerAdvice
class OrderProblems extends ResponseEntityExceptionHandler {

    @ExceptionHandler
    ProblemDetail notFound(OrderNotFoundException e) {
        return ProblemDetail.forStatusAndDetail(HttpStatus.NOT_FOUND, Objects.requireNonNull(e.getMessage()));
    }

    @ExceptionHandler
    ProblemDetail conflict(OrderConflictException e) {
        return ProblemDetail.forStatusAndDetail(HttpStatus.CONFLICT, Objects.requireNonNull(e.getMessage()));
    }

    /** Names each field that is wrong, and why. */
    @Override
    protected @Nullable ResponseEntity<Object> handleMethodArgumentNotValid(
            MethodArgumentNotValidException e, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        List<Map<String, String>> errors = Stream.concat(
                        e.getFieldErrors().stream()
                                .map(error ->
                                        Map.of("field", error.getField(), "message", text(error.getDefaultMessage()))),
                        e.getGlobalErrors().stream()
                                .map(error -> Map.of("field", "", "message", text(error.getDefaultMessage()))))
                .toList();
        e.getBody().setProperty("errors", errors);
        return super.handleMethodArgumentNotValid(e, headers, status, request);
    }

    private static String text(@Nullable String message) {
        return message == null ? "is not valid" : message;
    }
}
