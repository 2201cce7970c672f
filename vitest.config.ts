import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of labs that take minutes, the longest first; the short ones fill in behind them. */
const LONG = [/tests\/labs\/labs-long/, /tests\/labs\/incidents/, /tests\/labs\/labs-/];

class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => placeOf(a) - placeOf(b));
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = LONG.findIndex((long) => long.test(moduleId));
  return place < 0 ? LONG.length : place;
}

export default defineConfig({
  test: {
    include: ['tests/{unit,golden,conformance,mesh,labs}/**/*.test.ts'],
    // Suites run beside one another, tests start processes: the limits only catch what hangs.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    // Two cores: more workers only take time from one another.
    maxWorkers: 2,
    passWithNoTests: false,
    // Node reads the sources as it does in production; imports that Vite rewrites cost each call between modules.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    sequence: { sequencer: LongFilesFirst },
  },
});
