/**
 * The default locale and time zone: `Intl`, and everything that formats with it.
 *
 * @module
 */

import { getter, type Patch, value } from "./patches.ts";
import type { Zone } from "./zone.ts";

/** What is used when a program specifies nothing. */
export interface Defaults {
  readonly locale: string;
  readonly zone: Zone;
  /** The time that is formatted when none is given. */
  now(): number;
}

/** The arguments of a formatting function. */
type Wishes = [locales?: unknown, options?: object | undefined];
type AnyFunction = (this: unknown, ...parts: unknown[]) => unknown;

/** Classes of `Intl` that have a default locale. */
const FORMATS = [
  "Collator",
  "DateTimeFormat",
  "DisplayNames",
  "DurationFormat",
  "ListFormat",
  "NumberFormat",
  "PluralRules",
  "RelativeTimeFormat",
  "Segmenter",
];

/** Replaces the defaults with those of another user in another country. */
export function localePatches(defaults: Defaults): Patch[] {
  const { Temporal: temporal = {} } = globalThis as { Temporal?: Record<string, unknown> };
  const methods: [object | undefined, string[], boolean?][] = [
    [Number.prototype, ["toLocaleString"]],
    [BigInt.prototype, ["toLocaleString"]],
    [Date.prototype, ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"], true],
    [String.prototype, ["toLocaleUpperCase", "toLocaleLowerCase"]],
    // Its members are not enumerable everywhere.
    ...Object.getOwnPropertyNames(temporal).map((
      name,
    ): [object | undefined, string[], boolean] => [
      (temporal[name] as { prototype?: object }).prototype,
      ["toLocaleString"],
      name === "Instant",
    ]),
  ];
  const patches = methods.flatMap(([prototype, names, zoned = false]) =>
    names
      .filter((name) => prototype !== undefined && Object.hasOwn(prototype, name))
      .map((name) => withDefaults(prototype!, name, (wishes) => fill(defaults, wishes, zoned)))
  );
  const { localeCompare } = String.prototype;
  patches.push(
    value(
      String.prototype,
      "localeCompare",
      function (this: string, other: string, ...wishes: Wishes) {
        return (localeCompare as AnyFunction).call(this, other, ...fill(defaults, wishes, false));
      },
    ),
    ...intlPatches(defaults),
  );
  const { navigator } = globalThis as { navigator?: object };
  if (navigator !== undefined && "language" in navigator) {
    patches.push(getter(navigator, "language", () => defaults.locale));
    patches.push(getter(navigator, "languages", () => [defaults.locale]));
  }
  return patches;
}

function fill({ locale, zone }: Defaults, [locales, options]: Wishes, zoned: boolean): Wishes {
  const isNamed = locales !== undefined && !(Array.isArray(locales) && locales.length === 0);
  const { timeZone } = (options ?? {}) as { timeZone?: unknown };
  const isZoned = !zoned || timeZone !== undefined;
  return [isNamed ? locales : locale, isZoned ? options : { ...options, timeZone: zone.name }];
}

function withDefaults(prototype: object, name: string, fill: (wishes: Wishes) => Wishes): Patch {
  const real = (prototype as Record<string, AnyFunction>)[name]!;
  return value(prototype, name, function (this: unknown, ...wishes: Wishes) {
    return real.call(this, ...fill(wishes));
  });
}

function intlPatches(defaults: Defaults): Patch[] {
  const all = Intl as unknown as Record<string, (new (...wishes: Wishes) => object) & AnyFunction>;
  const patches = FORMATS.filter((name) => name in all).map((name) => {
    const wishes = (given: unknown[]) => fill(defaults, given as Wishes, name === "DateTimeFormat");
    const shown: object = new Proxy(all[name]!, {
      apply: (target, self, given) => Reflect.apply(target, self, wishes(given)),
      construct: (target, given, newTarget) =>
        Reflect.construct(target, wishes(given), newTarget === shown ? target : newTarget),
    });
    return value(Intl, name, shown);
  });
  const { prototype } = Intl.DateTimeFormat;
  const { get: format } = Object.getOwnPropertyDescriptor(prototype, "format")!;
  const { formatToParts } = prototype;
  patches.push(
    getter(prototype, "format", function () {
      const real = format!.call(this) as (time: unknown) => string;
      return (time: unknown = defaults.now()) => real(time);
    }),
    value(prototype, "formatToParts", function (this: Intl.DateTimeFormat, time?: Date | number) {
      return formatToParts.call(this, time ?? defaults.now());
    }),
  );
  return patches;
}
