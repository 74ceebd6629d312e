import type { ControlEvent, EventData } from '@countersign/contracts';
import { describe, expect, it } from 'vitest';
import { foldControl } from './control.ts';
import { type ControlView, EMPTY_CONTROL, tenantOf } from './tenant.ts';

const tenant = 'default';
const signature = { keyId: 'k', value: 'A'.repeat(86) };
const hashOf = (version: number) => String(version).repeat(64);

/** `control` with two policy authors, three versions put by ann, and the first of them in force. */
function threeVersions(): ControlView {
  const people = ['ann', 'bob'].map((person): ControlEvent => {
    const credentialDigest = person === 'ann' ? 'a'.repeat(64) : 'b'.repeat(64);
    const data = { tenant, person, roles: ['policy_author' as const], credentialDigest, by: 'ann' };
    return { id: '0', causationId: 'c', name: 'person.added', data: { ...data, signature } };
  });
  const policies = [1, 2, 3].map((version): ControlEvent => {
    const data = { tenant, version, hash: hashOf(version), text: '', by: 'ann', signature };
    return { id: '0', causationId: 'c', name: 'policy.put', data };
  });
  return [...people, ...policies, activation('ann', 1)].reduce(
    (view, event, offset) => foldControl(view, { offset, stampMs: 0 }, event).view,
    EMPTY_CONTROL,
  );
}

function activation(
  by: string,
  version: number,
  compared: Partial<EventData<'policy.activated'>> = {},
): ControlEvent {
  const data = { tenant, version, hash: hashOf(version), by, ...compared, signature };
  return { id: '0', causationId: 'c', name: 'policy.activated', data };
}

describe('an activation', () => {
  it.each<[string, ControlEvent, string | undefined]>([
    ['by its author, not compared', activation('ann', 2), 'second_person_needed'],
    [
      'by its author, loosening',
      activation('ann', 2, { against: 1, loosens: ['x'] }),
      'second_person_needed',
    ],
    ['by its author, tightening', activation('ann', 2, { against: 1, loosens: [] }), undefined],
    [
      'that says what it loosens and not against what',
      activation('ann', 2, { loosens: [] }),
      'second_person_needed',
    ],
    [
      'compared with a version no longer in force',
      activation('ann', 3, { against: 2, loosens: [] }),
      'stale_policy',
    ],
    [
      'by a second person, loosening',
      activation('bob', 2, { against: 1, loosens: ['x'] }),
      undefined,
    ],
    ['by a second person, not compared', activation('bob', 2), undefined],
  ])('%s', (_, event, code) => {
    const judged = foldControl(threeVersions(), { offset: 9, stampMs: 0 }, event);
    expect(judged.applied ? undefined : judged.code).toBe(code);
    const { active } = tenantOf(judged.view, tenant);
    expect(active?.version).toBe(code === undefined ? 2 : 1);
  });

  it('by its author needs a second person where its record says that less is waited for', () => {
    const waiting = activation('bob', 2, { against: 1, loosens: ['x'], delayMs: 1_000 });
    const { view } = foldControl(threeVersions(), { offset: 9, stampMs: 0 }, waiting);
    const claims = { against: 2, loosens: [] };
    const codeOf = (delayMs: number) => {
      const event = activation('ann', 3, { ...claims, delayMs });
      const judged = foldControl(view, { offset: 10, stampMs: 0 }, event);
      return judged.applied ? undefined : judged.code;
    };
    expect(codeOf(999)).toBe('second_person_needed');
    expect(codeOf(1_000)).toBeUndefined();
  });
});
