import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loginRequest } from './auth.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-vault-auth-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'secret');

describe.each([
  {
    auth: { kind: 'approle', roleId: 'role', secretIdFile: file },
    path: 'auth/approle/login',
    body: (secret: string) => ({ role_id: 'role', secret_id: secret }),
  },
  {
    auth: { kind: 'kubernetes', role: 'countersign-policy', jwtFile: file },
    path: 'auth/kubernetes/login',
    body: (secret: string) => ({ role: 'countersign-policy', jwt: secret }),
  },
] as const)('a login by $auth.kind', ({ auth, path, body }) => {
  it('holds what the file holds at that time', async () => {
    for (const secret of ['first', 'rotated']) {
      writeFileSync(file, `${secret}\n`);
      expect(await loginRequest(auth)).toEqual({ path, body: body(secret) });
    }
  });

  it('may be mounted elsewhere', async () => {
    writeFileSync(file, 'secret');
    const { path: elsewhere } = await loginRequest({ ...auth, mount: 'east' });
    expect(elsewhere).toBe('auth/east/login');
  });

  it('names a file that is not there, and may come', async () => {
    rmSync(file, { force: true });
    const fault = { code: 'keys_unavailable', retryable: true, message: `cannot read ${file}` };
    await expect(loginRequest(auth)).rejects.toMatchObject(fault);
  });
});
