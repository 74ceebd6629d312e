import { execFileSync } from 'node:child_process';
import { SERVICES } from '@countersign/contracts';
import { expect, it } from 'vitest';
import { ROOT } from './tree.ts';

const START_MAX_MS = 300_000;

// vitest finds names in CommonJS modules that Node does not find, so only Node says whether a program can start.
it(
  'has programs whose every import Node finds',
  () => {
    const files = [
      ...SERVICES.map((service) => `apps/${service}/src/compose.ts`),
      'apps/cli/src/cli.ts',
    ];
    const imports = files.map((file) => `await import('./${file}');`).join('\n');
    const args = ['--import', 'tsx', '--input-type=module', '-e', `${imports} process.exit(0);`];
    expect(execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })).toBe('');
  },
  START_MAX_MS,
);
