package dev.outbox.sample.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Calls a service that speaks JSON. Any status is an answer; a service that does not answer is an exception. Safe for use
 * by many threads.
 *
 * <pre>{@code
 * JsonNode order = new JsonHttp("http://127.0.0.1:8080").post("/orders", body).expect(201).body();
 * }</pre>
 */
public final class JsonHttp {

    private static final Duration TIMEOUT = Duration.ofMinutes(1);

    private final JsonMapper json = JsonMapper.builder().build();
    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final String base;

    /**
     * What came back.
     *
     * @param status the HTTP status
     * @param headers all headers
     * @param body the JSON, a missing node if there is none
     */
    public record Answer(int status, HttpHeaders headers, JsonNode body) {

        /** The media type, empty if there is none. */
        public String contentType() {
            return headers.firstValue("Content-Type").orElse("");
        }

        /**
         * This answer, where its status is the expected one.
         *
         * @throws IllegalStateException if it is another; the text shows the answer
         */
        public Answer expect(int expected) {
            if (status != expected) {
                throw new IllegalStateException(
                        "Answer is not as expected: status=" + status + ", expected=" + expected + ", body=" + body);
            }
            return this;
        }
    }

    /** Calls the service at this address, such as {@code http://127.0.0.1:8080}. */
    public JsonHttp(String base) {
        this.base = base;
    }

    /** The service's address. */
    public String base() {
        return base;
    }

    /** Sends a GET. */
    public Answer get(String path) {
        return send("GET", path, "");
    }

    /** Sends a POST with this JSON, which may be empty, and with further headers, name and value in turn. */
    public Answer post(String path, String body, String... headers) {
        return send("POST", path, body, headers);
    }

    /** Sends a PUT with this JSON. */
    public Answer put(String path, String body) {
        return send("PUT", path, body);
    }

    /** Sends a DELETE. */
    public Answer delete(String path) {
        return send("DELETE", path, "");
    }

    private Answer send(String method, String path, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path))
                .timeout(TIMEOUT)
                .header("Content-Type", "application/json")
                .method(
                        method,
                        body.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
            return new Answer(response.statusCode(), response.headers(), json.readTree(response.body()));
        } catch (IOException e) {
            throw new UncheckedIOException("No answer: " + method + " " + base + path, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted: " + method + " " + base + path, e);
        }
    }
}
