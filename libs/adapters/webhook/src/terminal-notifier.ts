import { visible } from '@countersign/kernel';
import type { Notification, Notifier } from '@countersign/ports';

/**
 * Shows notifications to whoever watches a terminal. A terminal cannot tell whether anybody does, so it accepts each
 * one: let no veto window depend on it.
 *
 * @param write takes text that ends in a line break; what it throws is thrown on.
 */
export function terminalNotifier(write: (text: string) => unknown): Notifier {
  return {
    async notify(notification) {
      write(`\n${linesOf(notification).join('\n')}\n`);
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
