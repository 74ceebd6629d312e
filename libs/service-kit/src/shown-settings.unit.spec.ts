import { describe, expect, it } from 'vitest';
import { shownSettings } from './shown-settings.ts';

const shown = (settings: object): unknown => JSON.parse(shownSettings(settings));

describe('settings that are shown', () => {
  it.each([
    'https://base.example/v2/sEcReT',
    'https://base.example/?key=sEcReT',
    'https://base.example#sEcReT',
    'https://sEcReT@base.example',
    'https://user:sEcReT@base.example/',
    'HTTPS://base.example/sEcReT',
  ])('leave of %s what is no secret', (rpcUrl) => {
    expect(shown({ chains: [{ network: 'eip155:8453', rpcUrl }] })).toEqual({
      chains: [{ network: 'eip155:8453', rpcUrl: 'https://base.example/…' }],
    });
  });

  it('leave nothing of a URL that is none', () => {
    expect(shown({ url: 'https://sEcReT:x' })).toEqual({ url: '…' });
  });

  it('are otherwise as they are', () => {
    const settings = {
      brokers: ['kafka-0:9092'],
      file: '/run/secrets/redis',
      port: 8080,
      node: 'http://127.0.0.1:8545',
      vault: 'https://vault:8200/',
    };
    expect(shown(settings)).toEqual(settings);
  });
});
