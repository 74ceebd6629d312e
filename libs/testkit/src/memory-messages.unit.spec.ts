import { describeAgentMessages } from '@countersign/ports/suites';
import { MemoryMessages } from './memory-messages.ts';

describeAgentMessages('Memory', () => {
  const messages = new MemoryMessages();
  return Promise.resolve({
    openInbox: () => messages.openInbox(),
    openOutbox: () => Promise.resolve(messages.openOutbox()),
    send: (all) => {
      for (const { key, text, signature } of all)
        messages.send({
          key: key ?? '',
          bytes: new TextEncoder().encode(text),
          ...(signature !== undefined && { signature }),
        });
      return Promise.resolve();
    },
    told: (lane) =>
      Promise.resolve(
        messages.outcomes
          .filter((it) => it.lane === lane)
          .map(({ key, bytes }) => ({ key, text: new TextDecoder().decode(bytes) })),
      ),
    dispose: () => Promise.resolve(),
  });
});
