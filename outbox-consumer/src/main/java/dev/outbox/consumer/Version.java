package dev.outbox.consumer;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The version of an event's schema. A new minor version only adds; what cannot be read as before is a new major version.
 *
 * @param major 0 to {@value #MAX}
 * @param minor 0 to {@value #MAX}
 */
record Version(int major, int minor) implements Comparable<Version> {

    static final int MAX = 99_999;

    private static final Pattern FORM = Pattern.compile("[0-9]{1,5}\\.[0-9]{1,5}");
    private static final Comparator<Version> ORDER =
            Comparator.comparingInt(Version::major).thenComparingInt(Version::minor);

    /** Empty if the text is not MAJOR.MINOR, each of 1 to 5 digits. */
    static Optional<Version> parse(String text) {
        if (!FORM.matcher(text).matches()) {
            return Optional.empty();
        }
        int point = text.indexOf('.');
        return Optional.of(
                new Version(Integer.parseInt(text.substring(0, point)), Integer.parseInt(text.substring(point + 1))));
    }

    @Override
    public int compareTo(Version other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
