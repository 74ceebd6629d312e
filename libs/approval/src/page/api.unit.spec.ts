import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, isSignedIn, nowMs, signIn, signOut } from './api.js';

const answers = vi.fn<typeof fetch>();
const stored = new Map<string, string>();
beforeEach(() => {
  stored.clear();
  answers.mockReset();
  vi.stubGlobal('fetch', answers);
  vi.stubGlobal('sessionStorage', {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, text: string) => void stored.set(name, text),
    removeItem: (name: string) => void stored.delete(name),
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('a call of the page', () => {
  it('carries the credential of this tab', async () => {
    answers.mockResolvedValue(Response.json({ approvals: [] }));
    signIn('csk_person_a');
    expect(await call('v1/approvals')).toEqual({ approvals: [] });
    expect(answers.mock.calls[0]).toMatchObject([
      'v1/approvals',
      { method: 'GET', headers: { authorization: 'Bearer csk_person_a' } },
    ]);
    signOut();
    expect(isSignedIn()).toBe(false);
  });

  it('fails with the sentence and the code of a refusal', async () => {
    const problem = { detail: 'Too late to veto', code: 'too_late' };
    answers.mockResolvedValue(Response.json(problem, { status: 409 }));
    await expect(call('v1/approvals/p/veto', {})).rejects.toMatchObject({
      message: 'Too late to veto',
      code: 'too_late',
    });
  });

  it('fails without a code where something else than Countersign answers', async () => {
    answers.mockResolvedValue(new Response('<html>', { status: 502 }));
    const error: unknown = await call('v1/approvals').catch((it: unknown) => it);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toHaveProperty('code');
  });

  it('ends by itself when the server hangs', async () => {
    const timeOut = new AbortController();
    const timer = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(timeOut.signal);
    answers.mockImplementation(
      (_, init) =>
        new Promise((_, reject) => {
          init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
        }),
    );
    const failed = expect(call('v1/approvals')).rejects.toMatchObject({ name: 'TimeoutError' });
    timeOut.abort(new DOMException('signal timed out', 'TimeoutError'));
    await failed;
    expect(timer).toHaveBeenCalledWith(10_000);
  });

  it('reads the time of the server off its answers', async () => {
    const ahead = new Date(Date.now() + 3_600_000).toUTCString();
    answers.mockResolvedValue(Response.json({}, { headers: { date: ahead } }));
    await call('v1/approvals');
    expect(nowMs() - Date.now()).toBeGreaterThan(3_500_000);
  });
});
