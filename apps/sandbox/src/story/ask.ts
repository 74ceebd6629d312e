import { createInterface } from 'node:readline/promises';
import { type Timeline, appliesOrNot } from '@countersign/contracts';
import { type PaymentView, paymentOf } from '@countersign/sdk';
import { outcomeOf, paymentWhen } from './evidence.ts';
import type { Narration } from './narration.ts';
import type { World } from './world.ts';

/** The reader is the approver: one real payment waits for them, here or on the page. */
export async function askReader(world: World, say: Narration): Promise<void> {
  const purpose = 'Second opinion on the risk model';
  const url = `${world.sellers.talent.url}/consult/1`;
  const asked = await outcomeOf(world.fetchAs('research-1', { purpose })(url));
  const { payment } = asked;
  if (!payment?.approval) throw new Error('the payment did not ask for anybody');
  say.title('Now you are the approver');
  say.plain(`  To ${payment.quote.payTo}, for ${payment.resource.url}`);
  const question = `  research-1 wants ${payment.amount} (consulting, "${purpose}"). [g]rant [v]eto, 60 s, or on ${world.url()}/approve with the credential in ${world.ownerCredentialFile} : `;
  const answered = new AbortController();
  const decided = paymentWhen(
    world,
    payment.id,
    (it) => it.status !== 'awaiting_approval',
    70_000,
  ).finally(() => answered.abort());
  await answerFromTerminal(world, payment, question, answered.signal);
  const after = await decided;
  if (after.status === 'cleared') {
    const response = await world.fetchAs('research-1', { waitSeconds: 5 })(url);
    say.plain(`\n  Granted: the agent retried with a fresh quote and got HTTP ${response.status}.`);
    await paymentWhen(world, paymentOf(response)?.id ?? payment.id, (it) => it.final);
  } else say.plain(`\n  It ended: ${after.status}. Nothing was signed.`);
  printTimeline(await world.owner.call('explainPayment', { params: { id: payment.id } }), say);
}

async function answerFromTerminal(
  world: World,
  payment: PaymentView,
  question: string,
  signal: AbortSignal,
): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const { id, quoteDigest, approval } = payment;
  const params = { id };
  try {
    for (;;) {
      const key = (await terminal.question(question, { signal })).trim().toLowerCase();
      if (key === 'g' && approval) {
        const body = { quoteDigest, decisionId: approval.decisionId };
        return void (await world.owner.call('grant', { params, body }));
      }
      if (key === 'v') return void (await world.owner.call('veto', { params, body: {} }));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    terminal.close();
  }
}

/** What was recorded about a payment, for people. */
function printTimeline({ entries }: Timeline, say: Narration): void {
  say.title('What was recorded about it');
  for (const { atMs, position, says, ignored, trace } of entries) {
    const time = new Date(atMs).toISOString().slice(11, 23);
    say.plain(
      `  ${time}  ${position.padEnd(6)} ${says}${ignored === null ? '' : ` (did not count: ${ignored})`}`,
    );
    for (const { rule, met, why } of trace ?? []) {
      const unmet = appliesOrNot({ rule }) ? '·' : '✗';
      say.plain(`                         ${met ? '✓' : unmet} ${rule}: ${why}`);
    }
  }
}
