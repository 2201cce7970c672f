import { defineConfig } from 'vitest/config';

/** Started by scripts/test-envoy.ts only: these tests need a real Envoy, which nobody is asked to install. */
export default defineConfig({
  test: {
    include: ['tests/envoy/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Each file boots a mesh and an Envoy of its own.
    fileParallelism: false,
    passWithNoTests: false,
  },
});
