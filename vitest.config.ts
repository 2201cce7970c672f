import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/{unit,golden,conformance,mesh,labs}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores: more workers only take time from one another.
    maxWorkers: 2,
    passWithNoTests: false,
  },
});
