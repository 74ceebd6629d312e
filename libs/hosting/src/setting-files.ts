import { readFileSync } from 'node:fs';
import { SaslLogin } from '@countersign/adapter-kafka/sasl';
import { z } from 'zod';

export const OtlpHeaders = z.record(z.string(), z.string());

/** What a file must hold, in words, and whether a text is that. */
interface Held {
  readonly what: string;
  readonly isIt: (text: string) => boolean;
}

/** Where Kubernetes puts the token of a pod's service account. */
export const KUBERNETES_TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Of each setting that names a file which somebody else writes. */
const HELD: Readonly<Record<string, Held>> = {
  COUNTERSIGN_KAFKA_SASL_FILE: {
    what: 'JSON with mechanism, username and password',
    isIt: (text) => isJson(SaslLogin, text),
  },
  COUNTERSIGN_OTLP_HEADERS_FILE: {
    what: 'JSON with a text for each header',
    isIt: (text) => isJson(OtlpHeaders, text),
  },
  COUNTERSIGN_VAULT_SECRET_ID_FILE: {
    what: 'a secret id',
    isIt: (text) => text !== '',
  },
  COUNTERSIGN_VAULT_KUBERNETES_TOKEN_FILE: {
    what: 'a token',
    isIt: (text) => text !== '',
  },
  COUNTERSIGN_REDIS_URL_FILE: {
    what: 'a redis:// or rediss:// URL',
    isIt: (text) => isUrl(['redis:', 'rediss:'], text),
  },
  COUNTERSIGN_CLICKHOUSE_URL_FILE: {
    what: 'an http:// or https:// URL',
    isIt: (text) => isUrl(['http:', 'https:'], text),
  },
  COUNTERSIGN_GAS_KEY_FILE: {
    what: 'a private key of 64 hex digits',
    isIt: (text) => /^(?:0x)?[0-9a-fA-F]{64}$/.test(text),
  },
};

/** What is wrong with the files that these settings name: setting and path, never what a file holds. */
export function fileFaults(settings: Readonly<Record<string, string | undefined>>): string[] {
  const paths: typeof settings = {
    ...(settings['COUNTERSIGN_VAULT_KUBERNETES_ROLE'] !== undefined && {
      COUNTERSIGN_VAULT_KUBERNETES_TOKEN_FILE: KUBERNETES_TOKEN_FILE,
    }),
    ...settings,
  };
  return Object.entries(HELD).flatMap(([setting, held]) => {
    const path = paths[setting];
    // An empty path is a fault of the setting itself.
    const fault = path ? faultOf(path, held) : undefined;
    return fault === undefined ? [] : [`${setting}: ${fault}`];
  });
}

function faultOf(path: string, { what, isIt }: Held): string | undefined {
  try {
    return isIt(readFileSync(path, 'utf8').trim()) ? undefined : `${path} is not ${what}`;
  } catch {
    return `${path} cannot be read`;
  }
}

function isJson(shape: z.ZodType, text: string): boolean {
  try {
    return shape.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

function isUrl(protocols: readonly string[], text: string): boolean {
  return protocols.includes(URL.parse(text)?.protocol ?? '');
}
