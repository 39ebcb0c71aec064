package dev.outbox;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** JSON texts with small faults, some of which are no faults. */
final class JsonTexts {

    private static final List<String> SEEDS = List.of(
            "{\"a\":[1,-0.5e+10,true,false,null],\"b\":{\"c\":\"\\u00e9\\n\\\"\"}}",
            "[\"\\ud83d\\ude00\", 0, -1, 1E5, \"\", {}]",
            " \"text\" ",
            "12.50",
            "[[[]],{\"\":{}}]");

    private static final String PIECES =
            "{}[]\",:\\/u0123456789eE+-.truefalsn \t\n\r\u000b\f\u0001\u007f\u00a0\ufeff'#NaNI\u2028";

    private JsonTexts() {}

    static List<String> mutated(int count) {
        Random random = new Random(20260115);
        List<String> texts = new ArrayList<>(SEEDS);
        while (texts.size() < count) {
            StringBuilder text = new StringBuilder(SEEDS.get(random.nextInt(SEEDS.size())));
            int changes = 1 + random.nextInt(2);
            for (int i = 0; i < changes; i++) {
                int at = random.nextInt(text.length());
                char piece = PIECES.charAt(random.nextInt(PIECES.length()));
                switch (random.nextInt(3)) {
                    case 0 -> text.insert(at, piece);
                    case 1 -> text.deleteCharAt(at);
                    default -> text.setCharAt(at, piece);
                }
            }
            texts.add(text.toString());
        }
        return texts;
    }
}
