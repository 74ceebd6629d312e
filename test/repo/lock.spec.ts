import { describe, expect, it } from 'vitest';
import {
  type Lock,
  completed,
  lockFaults,
  platformOf,
  readLock,
} from '../../deploy/bootstrap/lock.mjs';

/** A tool with a binary for each platform, of which the registry served only one. */
const PARTIAL: Lock = {
  packages: {
    '': {},
    'libs/tool': {
      optionalDependencies: { '@tool/linux-x64-musl': '1.2.3', '@tool/darwin-arm64': '1.2.3' },
    },
    'node_modules/@tool/linux-x64-musl': { version: '1.2.3', os: ['linux'], optional: true },
    'node_modules/zebra': {
      dev: true,
      optionalDependencies: { 'zebra-win32-amd64': '~4.0.0', '@tool/darwin-arm64': '9.0.0' },
    },
  },
};

describe('the lock file', () => {
  it('can be installed from on every platform', () => {
    expect(lockFaults(readLock())).toEqual([]);
  });
});

describe('a lock that lacks platforms', () => {
  const whole = completed(PARTIAL);

  it('is found wanting', () => {
    expect(lockFaults(PARTIAL)).toEqual([
      'node_modules/@tool/darwin-arm64@1.2.3: optional, and without an entry',
      'node_modules/zebra-win32-amd64@4.0.0: optional, and without an entry',
      'node_modules/zebra/node_modules/@tool/darwin-arm64@9.0.0: optional, and without an entry',
    ]);
  });

  it('gets an entry of version and platform for each', () => {
    expect(whole.packages['node_modules/zebra-win32-amd64']).toEqual({
      version: '4.0.0',
      cpu: ['x64'],
      dev: true,
      optional: true,
      os: ['win32'],
    });
  });

  it('has another version below the package that asks for it', () => {
    const versions = Object.entries(whole.packages)
      .filter(([path]) => path.endsWith('@tool/darwin-arm64'))
      .map(([path, { version }]) => [path, version]);
    expect(versions).toEqual([
      ['node_modules/@tool/darwin-arm64', '1.2.3'],
      ['node_modules/zebra/node_modules/@tool/darwin-arm64', '9.0.0'],
    ]);
  });

  it('stays as it is once it is whole', () => {
    expect(lockFaults(whole)).toEqual([]);
    expect(JSON.stringify(completed(whole))).toBe(JSON.stringify(whole));
  });

  it('stays wanting where a name states no platform', () => {
    const odd = { packages: { 'node_modules/a': { optionalDependencies: { extras: '1.0.0' } } } };
    expect(lockFaults(completed(odd))).toHaveLength(1);
  });
});

describe('the platform in a name', () => {
  it.each([
    ['@foundry-rs/anvil-darwin-amd64', { cpu: ['x64'], os: ['darwin'] }],
    ['@esbuild/linux-arm', { cpu: ['arm'], os: ['linux'] }],
    ['@rolldown/binding-linux-arm64-musl', { cpu: ['arm64'], os: ['linux'], libc: ['musl'] }],
    ['@nx/nx-linux-arm-gnueabihf', { cpu: ['arm'], os: ['linux'], libc: ['glibc'] }],
    ['@oxc-parser/binding-win32-x64-msvc', { cpu: ['x64'], os: ['win32'] }],
    ['@rolldown/binding-wasm32-wasi', { cpu: ['wasm32'] }],
    ['left-pad', undefined],
  ])('%s', (name, platform) => {
    expect(platformOf(name)).toEqual(platform);
  });
});
