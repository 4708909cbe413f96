// What the names in a report mean, and the colour that each has in every plot.
//
// The colours are those of Okabe and Ito, which people see apart whatever their colour vision, without the
// yellow that is lost on white. Red is only for failures: refusing damage is a good outcome.

/** A name, its colour, and a sentence for who reads it for the first time. */
export interface Meaning {
  name: string;
  color: string;
  says: string;
}

/** The kinds of crash states. */
const KINDS: readonly Meaning[] = [
  {
    name: "power cuts",
    color: "#0072B2",
    says:
      "The power goes at a call of the workload: at each one in turn, with what each can leave on the disk.",
  },
  {
    name: "faults",
    color: "#E69F00",
    says:
      "A call fails or does only a part of what it was asked for, once or from then on; then comes a crash, and two power cuts.",
  },
  {
    name: "histories",
    color: "#009E73",
    says:
      "Random sequences of mutations, snapshots, restarts, upgrades, backups and faults, with power cuts in between.",
  },
];

/** What a recovery can find after a crash. */
const CRASH_OUTCOMES: readonly Meaning[] = [
  {
    name: "sealed",
    color: "#009E73",
    says: "The journal ends with the seal that an orderly close writes: nothing is in doubt.",
  },
  {
    name: "sound",
    color: "#0072B2",
    says: "There is no seal, but the journal is whole and ends with what was acknowledged last.",
  },
  {
    name: "sound, with an unacknowledged batch",
    color: "#56B4E9",
    says:
      "The last batch reached the disk before its acknowledgement reached the caller: it is kept.",
  },
  {
    name: "torn tail cut",
    color: "#E69F00",
    says:
      "The journal ends with an unfinished, unacknowledged batch: it is cut off, kept aside and reported.",
  },
  {
    name: "set aside",
    color: "#CC79A7",
    says:
      "Damage was planted before the crash: the damaged file is set aside, and the report lists what is lost.",
  },
  {
    name: "nothing yet",
    color: "#8C95A0",
    says: "There is no journal on the disk yet, and nothing had been acknowledged either.",
  },
];

/** The possible results of opening a damaged directory. */
const DAMAGE_OUTCOMES: readonly Meaning[] = [
  {
    name: "all there",
    color: "#0072B2",
    says: "The damage costs nothing: every acknowledged mutation is there.",
  },
  {
    name: "CORRUPT",
    color: "#E69F00",
    says: "Opening is refused with this code, and the directory is left as it was.",
  },
  {
    name: "the unproven end is cut",
    color: "#56B4E9",
    says:
      "The end of the newest segment is damaged or missing, and nothing after it proves that it was ever there: the state ends before it.",
  },
  {
    name: "FOREIGN_FORMAT",
    color: "#CC79A7",
    says:
      "The first line no longer looks like one of this journal's: opening is refused with this code.",
  },
];

/** For names that are newer than this page. */
const SPARE_COLORS = ["#8A78C8", "#7E8F2B", "#B5656B", "#3E9C9C", "#A07A4B"];

/** The kinds among these names, in a fixed order. */
export function kindsOf(names: string[]): Meaning[] {
  return meanings(KINDS, names);
}

/** The outcomes of crashes among these names, in a fixed order. */
export function crashOutcomesOf(names: string[]): Meaning[] {
  return meanings(CRASH_OUTCOMES, names);
}

/** The outcomes of damage among these names, in a fixed order. */
export function damageOutcomesOf(names: string[]): Meaning[] {
  return meanings(DAMAGE_OUTCOMES, names);
}

function meanings(known: readonly Meaning[], names: string[]): Meaning[] {
  const wanted = new Set(names);
  const unknown = [...wanted].filter((name) => !known.some((meaning) => meaning.name === name));
  return [
    ...known.filter(({ name }) => wanted.has(name)),
    ...unknown.sort().map((name, i) => ({
      name,
      color: SPARE_COLORS[i % SPARE_COLORS.length]!,
      says: "",
    })),
  ];
}
