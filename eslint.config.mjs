import eslint from '@eslint/js';
import { createProjectGraphAsync } from '@nx/devkit';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/**
 * The boundary rule reads the project graph from a cache and, where there is none, passes everything with a mere
 * warning. So the graph is made here, each time: without it there is no lint.
 */
process.env.NX_DAEMON = 'false';
process.env.NX_ISOLATE_PLUGINS = 'false';
const graph = await createProjectGraphAsync();

const CODE = [
  'libs/**/*.ts',
  'apps/**/*.ts',
  'test/**/*.ts',
  'docs/**/*.ts',
  'deploy/**/*.ts',
  '*.config.ts',
];
const SCRIPTS = ['**/*.mjs'];
const DEFAULT_EXPORTS = ['*.config.{ts,mjs}', '**/*-reporter.mjs'];
/** Code that only tests run: it may reach further, and its size follows the number of cases. */
const TESTS = [
  '**/*.{spec,contract,fixture,test-d}.ts',
  '**/testing/**/*.ts',
  'libs/testkit/**/*.ts',
  'test/**/*.ts',
];
const DOMAIN = ['libs/*/src/domain/**/*.ts'];
const PURE = ['libs/{kernel,contracts,ports}/src/**/*.ts', ...DOMAIN];
const NEST = ['libs/*/src/service/**/*.ts', 'libs/{service-kit,hosting}/**/*.ts', 'apps/**/*.ts'];

/** Contexts whose domain others may import: signer and audit re-run what policy decided. */
const OPEN_CONTEXTS = { policy: ['signing', 'audit'] };

const contexts = Object.values(graph.nodes)
  .flatMap((node) => node.data.tags ?? [])
  .filter((tag) => tag.startsWith('scope:'))
  .map((tag) => tag.slice('scope:'.length));

function openTo(context) {
  return Object.keys(OPEN_CONTEXTS).filter((open) => OPEN_CONTEXTS[open].includes(context));
}

/** Who may import whom, by tag; `also` is what the files at hand may import beyond that. */
function importLaw(...also) {
  const law = (sourceTag, ...tags) => ({ sourceTag, onlyDependOnLibsWithTags: [...tags, ...also] });
  const pure = ['type:kernel', 'type:contracts', 'type:domain'];
  const inward = [...pure, 'type:ports'];
  const shell = [...inward, 'type:service-kit'];
  return [
    law('type:kernel'),
    law('type:contracts', 'type:kernel'),
    law('type:ports', 'type:kernel', 'type:contracts'),
    law('type:domain', 'type:kernel', 'type:contracts'),
    law('type:service-kit', ...inward),
    law('type:adapter', 'type:kernel', 'type:contracts', 'type:ports'),
    law('type:sdk', 'type:kernel', 'type:contracts'),
    law('type:hosting', ...shell, 'type:adapter'),
    law('type:testkit', ...shell, 'type:context'),
    {
      sourceTag: 'type:app',
      notDependOnLibsWithTags: ['type:app', 'type:testkit'].filter((tag) => !also.includes(tag)),
    },
    ...contexts.map((context) =>
      law(
        `scope:${context}`,
        ...shell,
        ...[context, ...openTo(context)].map((own) => `scope:${own}`),
      ),
    ),
  ];
}

/** Specs of the stack start real servers, which belong to no project. */
const SERVERS = String.raw`/deploy/local/[a-z-]+\.mjs$`;

const boundaries = (...also) => ({
  '@nx/enforce-module-boundaries': [
    'error',
    {
      allow: also.length > 0 ? [SERVERS] : [],
      enforceBuildableLibDependency: false,
      depConstraints: importLaw(...also),
      // Specs use the testkit, which knows what they test.
      ignoredCircularDependencies: [['tag:type:testkit', '*']],
    },
  ],
});

const ban = (regex, message) => ({ regex, message });
const ENVIRONMENT = 'Read the environment in config.ts, and nowhere else.';
const PROCESS = { ...ban('^(node:)?process$', ENVIRONMENT), importNames: ['default', 'env'] };
const SERVICE = ban(
  '^@countersign/[^/]+/service$',
  'Services meet only through events; only apps put them together.',
);
const TEST_ONLY = ban('^(@countersign/ports/suites$|vitest|fast-check)', 'Only tests import this.');

/** One block that states all bans on imports for some files, as ESLint replaces a rule's options and never merges them. */
function imports(files, ...patterns) {
  return {
    files,
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [PROCESS, ...patterns] }],
    },
  };
}

const only = (allowed, message) => ban(`^(?!${allowed.join('|')})`, message);

/** Upwards never into the service folder: the domain does not know its shell. */
const OWN = String.raw`\.{1,2}/(?!.*\bservice/)`;
const KERNEL = '@countersign/kernel$';
const CONTRACTS = '@countersign/contracts$';

/** What a port answers with may be a domain's input; calling the port may not be its business. */
const PORT_TYPES = {
  ...ban('^@countersign/ports$', 'A domain takes what a port answered as an argument.'),
  allowTypeImports: true,
};

function domainImports(context) {
  const open = ['payment', 'ports', ...openTo(context)].map((name) => `@countersign/${name}$`);
  const files = [`libs/${context}/src/domain/**/*.ts`, `libs/${context}/src/index.ts`];
  return imports(
    files,
    only(
      [OWN, KERNEL, CONTRACTS, ...open],
      'A domain knows the kernel, the contracts and itself: pass the rest in.',
    ),
    PORT_TYPES,
  );
}

const CLOCK = 'Time arrives inside the command, so that a replay gives the same answer.';
const DICE = 'Randomness arrives inside the command, so that a replay gives the same answer.';
const READS_ENVIRONMENT = { object: 'process', property: 'env', message: ENVIRONMENT };
const READS_CLOCK = {
  selector: ':matches(NewExpression[arguments.length=0], CallExpression)[callee.name="Date"]',
  message: CLOCK,
};

const FUNCTION = ':matches(FunctionDeclaration, FunctionExpression, ArrowFunctionExpression)';
const CONSTRUCTOR = 'MethodDefinition[kind="constructor"] > FunctionExpression';
const TOO_MANY_PARAMETERS = [
  {
    // A decorated parameter is filled by name: what stands before it does not matter.
    selector: `${FUNCTION}[params.length>4]:not(${CONSTRUCTOR}, [params.0.decorators.length>0])`,
    message: 'Four parameters at most, then an object with names.',
  },
  {
    selector: `${CONSTRUCTOR}[params.length>5]`,
    message: 'A class depends on five things at most.',
  },
];

export default tseslint.config(
  {
    ignores: [
      ...['**/node_modules/', '**/dist/', '**/coverage/', '.nx/', '.local/'],
      // Declarations of what only the pure program lacks, or of what is not TypeScript.
      '**/*.d.{ts,mts}',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-restricted-exports': [
        'error',
        { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } },
      ],
      'no-restricted-syntax': ['error', ...TOO_MANY_PARAMETERS],
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', 70],
    },
  },
  { files: DEFAULT_EXPORTS, rules: { 'no-restricted-exports': 'off' } },
  {
    files: SCRIPTS,
    languageOptions: {
      globals: Object.fromEntries(
        ['URL', 'clearInterval', 'console', 'fetch', 'process', 'setInterval'].map((name) => [
          name,
          'readonly',
        ]),
      ),
    },
  },
  // The compiler, which knows the browser, finds undefined names there.
  { files: ['libs/*/src/page/**/*.js'], rules: { 'no-undef': 'off' } },
  {
    files: CODE,
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { '@nx': nx },
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      ...boundaries(),
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/parameter-properties': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        // The default branch calls unreachable(), whose parameter the compiler checks.
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Leaving a member out of a copy names it.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      // A port is asynchronous for all its adapters, also for those that have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      'no-restricted-properties': ['error', READS_ENVIRONMENT],
    },
  },
  { files: ['libs/**/*.ts'], rules: { 'no-console': 'error' } },
  { files: NEST, rules: { '@typescript-eslint/parameter-properties': 'off' } },
  { files: ['**/config.ts'], rules: { 'no-restricted-properties': 'off' } },
  {
    files: PURE,
    ignores: TESTS,
    rules: {
      'no-restricted-properties': [
        'error',
        READS_ENVIRONMENT,
        { object: 'Date', property: 'now', message: CLOCK },
        { object: 'Math', property: 'random', message: DICE },
      ],
      'no-restricted-syntax': ['error', ...TOO_MANY_PARAMETERS, READS_CLOCK],
    },
  },

  imports(['apps/**/*.ts'], TEST_ONLY),
  imports(['libs/**/*.ts'], SERVICE, TEST_ONLY),
  imports(['libs/kernel/src/**/*.ts'], only([OWN], 'The kernel imports nothing.')),
  imports(
    ['libs/kernel/src/digest.ts'],
    only([OWN, 'node:crypto$'], 'The kernel imports nothing but its one hash function.'),
  ),
  imports(
    ['libs/contracts/src/**/*.ts'],
    only([OWN, KERNEL, 'zod$'], 'Contracts know the kernel and zod.'),
  ),
  imports(
    ['libs/ports/src/**/*.ts'],
    only([OWN, KERNEL, CONTRACTS], 'Ports know the kernel and the contracts.'),
  ),
  ...contexts.map(domainImports),
  imports(TESTS),
  imports(
    TESTS.filter((files) => files.startsWith('**')).map((files) => `libs/${files}`),
    SERVICE,
  ),

  {
    files: TESTS,
    plugins: { '@nx': nx },
    rules: {
      ...boundaries('type:testkit', 'type:ports'),
      'max-lines': 'off',
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
