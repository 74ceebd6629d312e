import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import {
  LegendDisplayMode,
  LegendPlacement,
  VizLegendOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as SeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** One panel: a question in PromQL, and what its answer is to be called. */
interface Panel {
  readonly title: string;
  readonly says: string;
  readonly expr: string;
  readonly legend?: string;
  readonly unit?: 's' | 'short' | 'reqps' | 'bytes' | 'percentunit';
  /** The newest number alone, not its history. */
  readonly isStat?: true;
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const SOURCE = { type: 'prometheus', uid: '${source}' };
const WIDTH = 24;
const HEIGHT = 7;
const PER_ROW = 3;

// Every process counts the whole log: the maximum over them is the number, never the sum.
const events = (pattern: string) =>
  `max by (event) (increase(countersign_events_folded_total{event=~"${pattern}"}[$__rate_interval]))`;

const PAYMENTS: readonly Row[] = [
  {
    title: 'Now',
    panels: [
      {
        title: 'Open payments',
        says: 'Payments that have not ended, by where they stand.',
        expr: 'max by (status) (countersign_open_payments)',
        legend: '{{status}}',
      },
      {
        title: 'Stopped',
        says: 'What is frozen, waits for a person, or was set aside because of a bug. All should be 0.',
        expr: 'max by (what) (countersign_stopped)',
        legend: '{{what}}',
        isStat: true,
      },
      {
        title: 'Oldest debt',
        says: 'How long the oldest debt that is due has been waiting, by kind. Watching a payment is due until it ends.',
        expr: 'max by (kind) (countersign_debt_age_seconds)',
        legend: '{{kind}}',
        unit: 's',
      },
    ],
  },
  {
    title: 'What happens',
    panels: [
      {
        title: 'Decisions',
        says: 'Decisions recorded, by outcome.',
        expr: 'max by (outcome) (rate(countersign_decisions_total[$__rate_interval]))',
        legend: '{{outcome}}',
        unit: 'reqps',
      },
      {
        title: 'Proposed, signed, settled',
        says: 'Payments at three points of their way.',
        expr: events('intent.submitted|signing.completed|settlement.final'),
        legend: '{{event}}',
      },
      {
        title: 'Ended without payment',
        says: 'Vetoes, expiries, refusals of the signer, authorizations that ran out or were canceled.',
        expr: events(
          'approval.vetoed|approval.expired|signing.refused|authorization.void|authorization.canceled',
        ),
        legend: '{{event}}',
      },
      {
        title: 'People',
        says: 'What people were asked, and what they answered.',
        expr: events('approval.opened|approval.granted|approval.vetoed|approval.completed'),
        legend: '{{event}}',
      },
      {
        title: 'Alerts raised',
        says: 'What people were told of: about one payment, a task, a wallet, a facilitator or the log.',
        expr: events('alert.raised|alert.sent|task.alerted'),
        legend: '{{event}}',
      },
      {
        title: 'Control',
        says: 'Changes of who may do what: policies, freezes, wallets, epochs of the budget counters.',
        expr: events(
          'policy.activated|tenant.frozen|tenant.unfrozen|wallet.frozen|wallet.unfrozen|budget.epoch|restore.detected|facilitator.tripped',
        ),
        legend: '{{event}}',
      },
    ],
  },
];

const SERVICES: readonly Row[] = [
  {
    title: 'Replicas',
    panels: [
      {
        title: 'Up',
        says: 'Replicas that Prometheus reaches.',
        expr: 'sum by (job) (up{job=~"countersign.*"})',
        legend: '{{job}}',
        isStat: true,
      },
      {
        title: 'Lanes without anybody on duty',
        says: 'Lanes whose debts no replica of the service pays. 0 but for some seconds after a change.',
        expr: 'clamp_min(max by (service) (countersign_lanes) - sum by (service) (countersign_duty_lanes), 0)',
        legend: '{{service}}',
        isStat: true,
      },
      {
        title: 'Log answers',
        says: 'Whether the log says where its lanes end, to the replica that has the most trouble.',
        expr: 'min by (service) (countersign_log_answers)',
        legend: '{{service}}',
      },
    ],
  },
  {
    title: 'The log',
    panels: [
      {
        title: 'Not folded yet',
        says: 'Records in the log that the replica farthest behind has not folded.',
        expr: 'max by (service) (countersign_fold_lag_records)',
        legend: '{{service}}',
      },
      {
        title: 'Append, 99th percentile',
        says: 'Time until the log acknowledged a record.',
        expr: 'histogram_quantile(0.99, sum by (service, le) (rate(countersign_append_seconds_bucket[$__rate_interval])))',
        legend: '{{service}}',
        unit: 's',
      },
      {
        title: 'Ignored records',
        says: 'Records that did not count, by reason. Repeats are normal; what is not genuine never is.',
        expr: 'max by (code) (rate(countersign_records_folded_total{code!="applied"}[$__rate_interval]))',
        legend: '{{code}}',
        unit: 'reqps',
      },
    ],
  },
  {
    title: 'Work',
    panels: [
      {
        title: 'Debts owed',
        says: 'Debts of payments, by kind.',
        expr: 'max by (service, kind) (countersign_debts_owed)',
        legend: '{{service}} {{kind}}',
      },
      {
        title: 'Effects that failed',
        says: 'Effects that ended in a fault or a refusal and are tried again. Code "bug" is not tried again.',
        expr: 'sum by (service, kind, code) (rate(countersign_effect_failures_total[$__rate_interval]))',
        legend: '{{service}} {{kind}} {{code}}',
        unit: 'reqps',
      },
      {
        title: 'Effects that ran to their end',
        says: 'Looking at a payment again without finding anything new counts as well.',
        expr: 'sum by (service, kind) (rate(countersign_debts_paid_total[$__rate_interval]))',
        legend: '{{service}} {{kind}}',
        unit: 'reqps',
      },
    ],
  },
  {
    title: 'Doors and proof',
    panels: [
      {
        title: 'Requests',
        says: 'Requests answered, by service and status.',
        expr: 'sum by (service, status) (rate(countersign_http_seconds_count[$__rate_interval]))',
        legend: '{{service}} {{status}}',
        unit: 'reqps',
      },
      {
        title: 'Time to answer, 95th percentile',
        says: 'Routes that wait for people answer when these did, or when the caller’s patience ended.',
        expr: 'histogram_quantile(0.95, sum by (route, le) (rate(countersign_http_seconds_bucket[$__rate_interval])))',
        legend: '{{route}}',
        unit: 's',
      },
      {
        title: 'Not in the event store yet',
        says: 'Records that search and reports do not know yet.',
        expr: 'max by (service) (countersign_unarchived_records)',
        legend: '{{service}}',
      },
      {
        title: 'Event store open',
        says: 'Whether every replica’s event store is open and took what it was last given. Should be 1.',
        expr: 'min by (service) (countersign_event_store_open)',
        legend: '{{service}}',
        isStat: true,
      },
      {
        title: 'Memory',
        says: 'Resident memory of each replica.',
        expr: 'sum by (service, instance) (process_resident_memory_bytes{job=~"countersign.*"})',
        legend: '{{service}} {{instance}}',
        unit: 'bytes',
      },
      {
        title: 'CPU',
        says: 'Cores in use by each replica.',
        expr: 'sum by (service, instance) (rate(process_cpu_seconds_total{job=~"countersign.*"}[$__rate_interval]))',
        legend: '{{service}} {{instance}}',
      },
      {
        title: 'Event loop lag, 99th percentile',
        says: 'How long a replica’s work made everything else in it wait.',
        expr: 'max by (service, instance) (nodejs_eventloop_lag_p99_seconds{job=~"countersign.*"})',
        legend: '{{service}} {{instance}}',
        unit: 's',
      },
    ],
  },
];

/** Every dashboard by the name of its file. */
export function dashboards(): Readonly<Record<string, Dashboard>> {
  return {
    'payments.json': dashboard('countersign-payments', 'Countersign: payments', PAYMENTS),
    'services.json': dashboard('countersign-services', 'Countersign: services', SERVICES),
  };
}

function dashboard(uid: string, title: string, rows: readonly Row[]): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .tags(['countersign'])
    .readonly()
    .refresh('30s')
    .time({ from: 'now-3h', to: 'now' })
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('source').label('Source').type('prometheus'));
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title));
    for (const panel of row.panels)
      builder.withPanel(panel.isStat ? decorated(new StatBuilder(), panel) : series(panel));
  }
  return builder.build();
}

function series(panel: Panel): SeriesBuilder {
  const legend = new VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom);
  return decorated(new SeriesBuilder(), panel).lineWidth(1).fillOpacity(10).legend(legend);
}

function decorated<B extends StatBuilder | SeriesBuilder>(builder: B, panel: Panel): B {
  const { title, says, expr, legend = '', unit = 'short' } = panel;
  builder
    .title(title)
    .description(says)
    .datasource(SOURCE)
    .unit(unit)
    .span(WIDTH / PER_ROW)
    .height(HEIGHT)
    .withTarget(new DataqueryBuilder().refId('A').expr(expr).legendFormat(legend));
  return builder;
}
