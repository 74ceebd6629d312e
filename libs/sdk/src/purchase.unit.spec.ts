import { sha256Hex } from '@countersign/kernel';
import { describe, expect, it } from 'vitest';
import { GovernedPaymentError } from './errors.ts';
import { purchaseOf, resourceOf } from './purchase.ts';

describe('what is bought', () => {
  it.each([
    ['http://API.Example.com:80/v1/x', 'http://api.example.com/v1/x'],
    ['https://api.example.com:443', 'https://api.example.com/'],
    ['https://api.example.com:8443/a/../b?q=1#part', 'https://api.example.com:8443/b?q=1'],
    ['https://bücher.example/ä', 'https://xn--bcher-kva.example/%C3%A4'],
    ['http://127.0.0.1:4021/report?a=2&a=1', 'http://127.0.0.1:4021/report?a=2&a=1'],
  ])('names %s as %s', (url, canonical) => {
    expect(resourceOf('GET', url, undefined)).toEqual({ method: 'GET', url: canonical });
  });

  it.each([
    ['HEAD', 'http://127.0.0.1/'],
    ['GET', 'ftp://127.0.0.1/'],
    ['GET', ''],
    ['GET', `http://127.0.0.1/${'x'.repeat(2048)}`],
  ])('refuses %s %.30s', (method, url) => {
    expect(() => resourceOf(method, url, undefined)).toThrow(GovernedPaymentError);
  });
});

describe('the body', () => {
  const post = (body: string | Uint8Array<ArrayBuffer>) =>
    new Request('http://127.0.0.1/', { method: 'POST', body });

  it('counts with its exact bytes', async () => {
    const bytes = new Uint8Array([0xff, 0x00, 0x0a]);
    expect((await purchaseOf(post(bytes))).bodyDigest).toBe(sha256Hex(bytes));
    expect((await purchaseOf(post('ä'))).bodyDigest).toBe(sha256Hex('ä'));
  });

  it('is none where it is empty', async () => {
    expect((await purchaseOf(post(''))).bodyDigest).toBeUndefined();
    expect((await purchaseOf(new Request('http://127.0.0.1/'))).bodyDigest).toBeUndefined();
  });

  it('can still be sent', async () => {
    const { request } = await purchaseOf(post('still here'));
    expect(await request.clone().text()).toBe('still here');
    expect(await request.text()).toBe('still here');
  });
});
