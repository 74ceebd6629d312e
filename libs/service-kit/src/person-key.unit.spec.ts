import { type EventData, grantText } from '@countersign/contracts';
import { type ControlView, EMPTY_CONTROL, tenantOf } from '@countersign/payment';
import { OWNER } from '@countersign/testkit';
import { describe, expect, it } from 'vitest';
import { isByPerson, isForged, personKeyOf } from './person-key.ts';

type Grant = EventData<'approval.granted'>;

const ADA = personKeyOf('credential-of-ada');
const BO = personKeyOf('credential-of-bo');
const GRANT = {
  ...OWNER,
  paymentId: `pay_0_${'1'.repeat(32)}`,
  person: 'ada',
  quoteDigest: 'a'.repeat(64),
  decisionId: 'b'.repeat(64),
  signature: { keyId: 'approval-1', value: 'A'.repeat(86) },
};
const provenBy = (key: typeof ADA, grant: Grant = GRANT): Grant => ({
  ...grant,
  proof: key.sign(grantText(grant)),
});

/** Control in which Ada has a key, and Cy was added before there were any. */
const control = ((): ControlView => {
  const tenant = tenantOf(EMPTY_CONTROL, OWNER.tenant);
  const people = new Map([
    ['ada', { roles: ['approver' as const], publicKey: ADA.publicKey }],
    ['cy', { roles: ['approver' as const] }],
  ]);
  return { ...EMPTY_CONTROL, tenants: new Map([[OWNER.tenant, { ...tenant, people }]]) };
})();

describe('the key of a person', () => {
  it('is the same for the same credential, for ever', () => {
    expect(ADA.publicKey).toBe(personKeyOf('credential-of-ada').publicKey);
    expect(ADA.publicKey).not.toBe(BO.publicKey);
  });

  it('proves a grant that its person signed', () => {
    const grant = provenBy(ADA);
    expect([isByPerson(control, grant), isForged(control, grant)]).toEqual([true, false]);
  });

  it.each([
    ['without a proof', GRANT],
    ['with somebody else’s', provenBy(BO)],
    ['on other terms', { ...provenBy(ADA), quoteDigest: 'c'.repeat(64) }],
    ['under another decision', { ...provenBy(ADA), decisionId: 'c'.repeat(64) }],
    ['for another payment', { ...provenBy(ADA), paymentId: `pay_0_${'2'.repeat(32)}` }],
    ['with a proof of another person’s grant', provenBy(ADA, { ...GRANT, person: 'cy' })],
  ])('proves none %s', (_, proven) => {
    const grant = { ...proven, person: 'ada' };
    expect([isByPerson(control, grant), isForged(control, grant)]).toEqual([false, true]);
  });

  it('is not asked of people who were added without one', () => {
    const grant = { ...GRANT, person: 'cy' };
    expect([isByPerson(control, grant), isForged(control, grant)]).toEqual([true, false]);
  });

  it('does not make somebody of a person nobody added', () => {
    const grant = { ...GRANT, person: 'mallory' };
    expect([isByPerson(control, grant), isForged(control, grant)]).toEqual([false, false]);
  });
});
