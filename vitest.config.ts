import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of labs that take minutes begin first; the short ones fill in behind them. */
const LONG = /tests\/labs\/(incidents|labs-)/;

class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

const isLong = ({ moduleId }: TestSpecification): boolean => LONG.test(moduleId);

export default defineConfig({
  test: {
    include: ['tests/{unit,golden,conformance,mesh,labs}/**/*.test.ts'],
    // Suites run beside one another, tests start processes: the limits only catch what hangs.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: more workers only take time from one another.
    maxWorkers: 2,
    passWithNoTests: false,
    sequence: { sequencer: LongFilesFirst },
  },
});
