import { Fault, visible } from '@countersign/kernel';
import type { Notification, Notifier } from '@countersign/ports';

/** Where lines are written to, such as `process.stderr`. */
interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Veto windows not accepted are asked for again and again; the ids of so many are known to be written already. */
const WRITTEN_MAX = 1_000;

/**
 * Shows notifications to whoever watches a terminal. Where the output is none but a file or a service's journal, nobody
 * can be taken to look in time: a veto window is written there once, and not accepted, so that it never opens.
 *
 * @throws Fault `notification_not_accepted` for a veto window without a terminal. What the output throws is thrown on.
 */
export function terminalNotifier(output: Output): Notifier {
  const written = new Set<string>();
  return {
    async notify(notification) {
      const show = () => output.write(`\n${linesOf(notification).join('\n')}\n`);
      if (output.isTTY === true || notification.kind !== 'veto_window') return void show();
      if (!written.has(notification.id)) {
        show();
        written.add(notification.id);
        const [oldest = ''] = written;
        if (written.size > WRITTEN_MAX) written.delete(oldest);
      }
      throw new Fault('notification_not_accepted', 'no terminal and no webhook: nobody is told', {
        retryable: true,
      });
    },
  };
}

/** Words of the agent stand last and in quotes, so that nothing after them can pass for ours. */
function linesOf({ title, facts, quoted, link }: Notification): readonly string[] {
  return [
    `▲ ${visible(title)}`,
    ...facts.map(({ name, value }) => `  ${visible(name)}: ${visible(value)}`),
    ...(link === undefined ? [] : [`  ${visible(link)}`]),
    ...(quoted === undefined ? [] : [`  the agent says: “${visible(quoted)}”`]),
  ];
}
