import { expect, it } from 'vitest';
import * as sdk from './index.ts';

it('exports what it promises and nothing else', () => {
  expect(Object.keys(sdk).sort()).toMatchInlineSnapshot(`
    [
      "AwaitingApproval",
      "CountersignClient",
      "CountersignError",
      "GovernedPaymentError",
      "PaymentDenied",
      "PaymentStopped",
      "PaymentUnresolved",
      "askPrice",
      "governedFetch",
      "governedScheme",
      "paymentOf",
      "resourceOfRequest",
    ]
  `);
});
