import {
  GovernedPaymentError,
  type PaymentView,
  PaymentUnresolved,
  governedFetch,
  paymentOf,
} from '@countersign/sdk';
import { type Command, Option } from 'commander';
import { type Open, type Session, UsageError } from '../session.ts';
import { visibleLines } from '../text.ts';
import { summary } from './payment-text.ts';
import { type RequestOptions, addRequestOptions, requestOf } from './request.ts';

interface PayOptions extends RequestOptions {
  readonly wait: number;
  readonly task?: string;
  readonly session?: string;
  readonly category?: string;
  readonly purpose?: string;
}

const SHOWN_MAX = 20_000;

/** A governed request, for trying things out with an agent's credential. */
export function addPayCommand(program: Command, open: Open): void {
  const pay = program
    .command('pay <url>')
    .description("make a request as an agent and pay for it (the credential must be an agent's)")
    .addOption(
      new Option('--wait <seconds>', 'how long to wait for people').default(0).argParser(secondsOf),
    )
    .option('--task <name>', 'the task it is for')
    .option('--session <name>', 'the session it is paid in')
    .option('--category <name>', 'the category the agent claims')
    .option('--purpose <text>', 'why, in words for the people who are asked');
  addRequestOptions(pay).action(async (url: string, options: PayOptions, command: Command) => {
    const session = open(command);
    const request = await requestOf(url, options);
    const { wait, task, session: within, category, purpose } = options;
    const governed = governedFetch({
      client: await session.client(),
      fetch: session.fetch,
      waitSeconds: wait,
      ...(task !== undefined && { task }),
      ...(within !== undefined && { session: within }),
      ...(category !== undefined && { category }),
      ...(purpose !== undefined && { purpose }),
      onDeliveryReportFailed: (error) =>
        session.terminal.err(`The delivery could not be reported: ${String(error)}`),
    });
    try {
      await showAnswer(session, await governed(request));
    } catch (error) {
      if (error instanceof GovernedPaymentError) showOutcome(session, error);
      throw error;
    }
  });
}

async function showAnswer(session: Session, response: Response): Promise<void> {
  const { terminal } = session;
  const presented = paymentOf(response);
  const payment = presented && (await current(session, presented));
  const text = await response.text();
  const { status } = response;
  session.show({ status, payment: payment ?? null, body: text }, () =>
    [
      payment
        ? `${summary(terminal, payment)}\n`
        : terminal.paint('dim', 'The seller asked for no payment.'),
      terminal.paint('dim', `The seller answered with status ${status}:`),
      visibleLines(text.slice(0, SHOWN_MAX)) + (text.length > SHOWN_MAX ? '…' : ''),
    ].join('\n'),
  );
}

/** The payment with what happened since it was presented; without the bearer signature. */
async function current(session: Session, presented: PaymentView): Promise<PaymentView> {
  const client = await session.client();
  const { signature: _, ...payment } = await client
    .readPayment(presented.id)
    .catch(() => presented);
  return payment;
}

function showOutcome(session: Session, error: GovernedPaymentError): void {
  if (!error.payment) return;
  const { signature: _, ...payment } = error.payment;
  const status = error instanceof PaymentUnresolved ? (error.response?.status ?? null) : null;
  session.show({ status, payment, body: null }, () => `${summary(session.terminal, payment)}\n`);
}

function secondsOf(text: string): number {
  if (/^[0-9]{1,5}$/.test(text)) return Number(text);
  throw new UsageError(`"${text}" is no number of seconds`);
}
