package dev.outbox.sample;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Dependencies point inwards; the sample sees every module, so it looks at all of them. */
class ArchitectureTest {

    private static final String SPRING = "org.springframework..";
    private static final String KAFKA = "org.apache.kafka..";
    private static final String RABBITMQ = "com.rabbitmq..";

    private static JavaClasses classes;

    @BeforeAll
    static void importEverything() {
        classes = new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("dev.outbox");
        assertThat(classes.contain("dev.outbox.relay.LaneLoop")).isTrue();
        assertThat(classes.contain("dev.outbox.inbox.Inbox")).isTrue();
        assertThat(classes.contain("dev.outbox.testkit.OutboxServers")).isTrue();
    }

    @Test
    void theEngineKnowsItsBrokersOnlyThroughTheSeam() {
        noClasses()
                .that()
                .resideInAnyPackage("dev.outbox.relay", "dev.outbox.relay.broker", "dev.outbox.relay.ops")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        KAFKA,
                        RABBITMQ,
                        "dev.outbox.relay.kafka",
                        "dev.outbox.relay.rabbitmq",
                        "dev.outbox.relay.cli",
                        "dev.outbox.relay.config",
                        "dev.outbox.relay.doctor")
                .check(classes);
    }

    @Test
    void brokersDoNotKnowEachOther() {
        noClasses()
                .that()
                .resideInAPackage("dev.outbox.relay.kafka")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(RABBITMQ, "dev.outbox.relay.rabbitmq")
                .check(classes);
        noClasses()
                .that()
                .resideInAPackage("dev.outbox.relay.rabbitmq")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(KAFKA, "dev.outbox.relay.kafka")
                .check(classes);
    }

    @Test
    void onlyTheRimKnowsSpring() {
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "dev.outbox.spring..", "dev.outbox.sample..", "dev.outbox.relay.cli", "dev.outbox.relay.config")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(SPRING)
                .check(classes);
    }

    @Test
    void appendAndInboxKnowNeitherBrokersNorTheRestOfTheProject() {
        noClasses()
                .that()
                .resideInAnyPackage("dev.outbox", "dev.outbox.inbox", "dev.outbox.schema")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        KAFKA,
                        RABBITMQ,
                        "dev.outbox.relay..",
                        "dev.outbox.consumer..",
                        "dev.outbox.spring..",
                        "dev.outbox.testkit..")
                .check(classes);
    }

    @Test
    void aServiceDoesNotKnowTheRelay() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        "dev.outbox.consumer..", "dev.outbox.sample.order..", "dev.outbox.sample.inventory..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.outbox.relay..", "dev.outbox.testkit..")
                .check(classes);
    }

    @Test
    void consumersKnowEachBrokerInOnePackage() {
        noClasses()
                .that()
                .resideInAPackage("dev.outbox.consumer")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(KAFKA, RABBITMQ, "dev.outbox.consumer.kafka", "dev.outbox.consumer.rabbitmq")
                .check(classes);
        noClasses()
                .that()
                .resideInAPackage("dev.outbox.consumer.kafka")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(RABBITMQ, "dev.outbox.consumer.rabbitmq")
                .check(classes);
        noClasses()
                .that()
                .resideInAPackage("dev.outbox.consumer.rabbitmq")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(KAFKA, "dev.outbox.consumer.kafka")
                .check(classes);
    }

    @Test
    void packagesHaveNoCycles() {
        slices().matching("dev.outbox.(**)").should().beFreeOfCycles().check(classes);
    }
}
