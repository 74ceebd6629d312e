import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'libs/**/*.{unit,prop,int}.spec.ts',
      'apps/**/*.{unit,prop,int}.spec.ts',
      'test/**/*.spec.ts',
    ],
    // They need the real servers: vitest.stack.config.ts runs them, and nothing else.
    exclude: ['**/node_modules/**', '**/*.stack.spec.ts'],
    // A process for each file: specs start servers, open databases and load native code.
    pool: 'forks',
    // The default leaves one core idle, which is half of a small machine.
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Nobody reads a list of what passed; what is slow is worth a line.
    slowTestThreshold: 2000,
  },
});
