import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world.stop());

const get = (url: string) => world.services.app.inject({ method: 'GET', url });
const imported = (script: string) =>
  [...script.matchAll(/from '\.\/([a-z]+\.js)'/g)].map(([, name]) => name ?? '');

describe("the approver's page", () => {
  it('and every part it names are there without a credential, under its strict rules', async () => {
    const page = await get('/approve');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const parts = [...page.body.matchAll(/(?:href|src)="approve\/([^"]+)"/g)].map(([, it]) => it);
    expect(parts).toEqual(['approve.css', 'approve.js']);
    const seen = new Set(parts);
    for (const part of seen) {
      const { statusCode, headers, body } = await get(`/approve/${part}`);
      expect(statusCode).toBe(200);
      expect(headers['content-type']).toMatch(/^text\/(css|javascript); charset=utf-8$/);
      expect(headers['content-security-policy']).toBe(page.headers['content-security-policy']);
      imported(body).forEach((name) => seen.add(name));
    }
    expect(seen.size).toBeGreaterThan(2);
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
  });

  it('is where the bare address leads', async () => {
    const { statusCode, headers } = await get('/');
    expect([statusCode, headers['location']]).toEqual([302, 'approve']);
  });

  it('is also found with a slash at its end, wherever it is mounted', async () => {
    const { statusCode, headers } = await get('/approve/');
    expect([statusCode, headers['location']]).toEqual([308, '../approve']);
  });

  it.each(['/approve/approve.html', '/approve/nothing.js', '/approve/..%2Fcard.js'])(
    'has no other part: %s',
    async (url) => {
      expect((await get(url)).statusCode).toBe(404);
    },
  );
});
