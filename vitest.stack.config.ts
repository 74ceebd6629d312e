import { defineConfig } from 'vitest/config';

/** Specs that need the real servers; see `deploy/local` for how those are started. */
export default defineConfig({
  test: {
    include: ['**/*.stack.spec.ts'],
    exclude: ['**/node_modules/**'],
    pool: 'forks',
    // Each file starts servers of its own, and some measure what they do.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    slowTestThreshold: 5_000,
  },
});
