package dev.outbox;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** What a message carries, in the form it was given. */
@SuppressWarnings("ArrayRecordComponent") // Never compared; the factories of OutboxMessage copy the arrays.
sealed interface Content {

    /** Returns the columns to store; JSON is not checked yet. */
    Encoded encode(PayloadSerializer serializer);

    /** Null, where a caller or a serializer got past the compiler, must not pass for a tombstone. */
    private static Encoded json(@Nullable String json) {
        if (json == null) {
            throw missing();
        }
        return new Encoded(json, null);
    }

    private static InvalidMessageException missing() {
        return new InvalidMessageException("payload", "an object or JSON text, or else a tombstone", "null");
    }

    /** The columns {@code payload} and {@code body}: at most one of them is there. */
    record Encoded(@Nullable String json, byte @Nullable [] body) {}

    record Value(Object payload) implements Content {

        @Override
        @SuppressWarnings("CatchingUnchecked") // Whatever an application's serializer throws, the message is refused.
        public Encoded encode(PayloadSerializer serializer) {
            if (payload == null) {
                throw missing();
            }
            try {
                return json(serializer.serialize(payload));
            } catch (InvalidMessageException e) {
                throw e;
            } catch (Exception e) {
                throw new InvalidMessageException(
                        "payload",
                        "an object that the serializer can write as JSON",
                        payload.getClass().getName() + " failed with "
                                + e.getClass().getName(),
                        -1,
                        e);
            }
        }
    }

    record Json(String text) implements Content {

        @Override
        public Encoded encode(PayloadSerializer serializer) {
            return json(text);
        }
    }

    record JsonBytes(byte[] utf8) implements Content {

        @Override
        public Encoded encode(PayloadSerializer serializer) {
            try {
                String text = StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(utf8))
                        .toString();
                return new Encoded(text, null);
            } catch (CharacterCodingException e) {
                throw new InvalidMessageException(
                        "payload", "JSON in UTF-8", utf8.length + " bytes that are not UTF-8", -1, e);
            }
        }
    }

    record Binary(byte[] body) implements Content {

        @Override
        public Encoded encode(PayloadSerializer serializer) {
            return new Encoded(null, body);
        }
    }

    record Tombstone() implements Content {

        @Override
        public Encoded encode(PayloadSerializer serializer) {
            return new Encoded(null, null);
        }
    }
}
