// Handlebars as templates of the Learning Hub meet it: values are escaped for JSON strings, and there
// are helpers for dates, texts, numbers and comparisons. Nothing here reads a file, the network, the
// environment or a clock.
(function (global) {
  'use strict';

  const hb = global.Handlebars;
  const LONGEST_ROW = 262144;
  const LONGEST_PAD = 1000;
  const ANYTHING = Symbol('anything');
  const MADE_UP_DATE = '2026-01-31T12:00:00Z';

  class Fault extends Error {
    constructor(words, place) {
      super(words);
      this.place = place;
    }
  }

  // --- values ----------------------------------------------------------------------------------

  // Numbers that JavaScript would round come as raw JSON, and print their own digits.
  function parseExactly(text) {
    return JSON.parse(text, function (key, value, context) {
      if (typeof value !== 'number') return value;
      const kept = Number.isFinite(value) && (context.source.length < 16 || String(value) === context.source);
      return kept ? value : JSON.rawJSON(context.source);
    });
  }

  function isAnything(value) { return typeof value === 'object' && value !== null && value[ANYTHING] === true; }

  function isNothing(value) { return value === undefined || value === null; }

  function text(value) {
    if (isNothing(value)) return '';
    if (typeof value === 'string') return value;
    if (isAnything(value)) return '1';
    if (JSON.isRawJSON(value)) return value.rawJSON;
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }

  function json(value) {
    if (value === undefined) return 'null';
    return isAnything(value) ? '1' : JSON.stringify(value);
  }

  const NEEDS_ESCAPE = /[\x00-\x1f"\\\ud800-\udfff]/;

  hb.Utils.escapeExpression = function (value) {
    if (value && typeof value.toHTML === 'function' && value instanceof hb.SafeString) return value.toHTML();
    if (typeof value === 'object' && value !== null) return text(value);
    const plain = text(value);
    return NEEDS_ESCAPE.test(plain) ? JSON.stringify(plain).slice(1, -1) : plain;
  };

  // An object in which every path leads to something: it prints as 1, and is a date where one is asked for.
  function anything() {
    const traps = {
      get(_, name) {
        if (name === ANYTHING) return true;
        if (name === Symbol.toPrimitive || name === 'toString' || name === 'valueOf') return () => '1';
        if (typeof name === 'symbol' || name === 'toJSON' || name === 'toHTML') return undefined;
        return name === 'length' ? 1 : anything();
      },
      has() { return true; },
      ownKeys() { return ['any']; },
      getOwnPropertyDescriptor(_, name) {
        return {configurable: true, enumerable: true, value: traps.get(_, name)};
      },
    };
    return new Proxy({}, traps);
  }

  // --- helpers ---------------------------------------------------------------------------------

  function number(value, place) {
    if (isAnything(value)) return 1;
    const found = typeof value === 'number' ? value : Number(text(value).trim() || NaN);
    if (!Number.isFinite(found)) throw new Fault(`${shown(value)} is not a number`, place);
    return found;
  }

  function whole(value, place, least, most) {
    const found = number(value, place);
    if (!Number.isInteger(found) || found < least || found > most) {
      throw new Fault(`${shown(value)} must be a whole number from ${least} to ${most}`, place);
    }
    return found;
  }

  function shown(value) {
    const written = json(value);
    return written.length > 60 ? written.slice(0, 60) + '...' : written;
  }

  const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?$/;

  // A date without a zone is taken for UTC: the fields of events are UTC, and what publishers send in
  // their own data should be read the same everywhere.
  function date(value, place) {
    const written = isAnything(value) ? MADE_UP_DATE : text(value).trim();
    const parts = DATE.exec(written);
    if (!parts) throw new Fault(`${shown(value)} is not a date such as 2026-01-31 or 2026-01-31T12:00:00Z`, place);
    const at = (n) => Number(parts[n] || 0);
    const millis = Math.trunc(Number('0.' + (parts[7] || '0')) * 1000);
    const moment = new Date(0);
    moment.setUTCFullYear(at(1), at(2) - 1, at(3));
    moment.setUTCHours(at(4), at(5), at(6), millis);
    if (moment.getUTCMonth() !== at(2) - 1 || moment.getUTCDate() !== at(3) || at(4) > 23 || at(5) > 59 || at(6) > 59) {
      throw new Fault(`${shown(value)} is a date that no calendar has`, place);
    }
    return new Date(moment.getTime() - offset(parts[8] || 'Z', place) * 60000);
  }

  function offset(zone, place) {
    if (zone === 'Z' || zone === 'UTC') return 0;
    const parts = /^([+-])(\d\d):?(\d\d)$/.exec(zone);
    if (!parts || Number(parts[2]) > 14 || Number(parts[3]) > 59) {
      throw new Fault(`${shown(zone)} is no offset such as +01:00`, place);
    }
    return (parts[1] === '-' ? -1 : 1) * (Number(parts[2]) * 60 + Number(parts[3]));
  }

  const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October',
    'November', 'December'];
  const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
  const pad = (value, width) => String(value).padStart(width, '0');
  const PARTS = {
    yyyy: (d) => pad(d.getUTCFullYear(), 4), yy: (d) => pad(d.getUTCFullYear() % 100, 2),
    MMMM: (d) => MONTHS[d.getUTCMonth()], MMM: (d) => MONTHS[d.getUTCMonth()].slice(0, 3),
    MM: (d) => pad(d.getUTCMonth() + 1, 2), M: (d) => d.getUTCMonth() + 1,
    dddd: (d) => DAYS[d.getUTCDay()], ddd: (d) => DAYS[d.getUTCDay()].slice(0, 3),
    dd: (d) => pad(d.getUTCDate(), 2), d: (d) => d.getUTCDate(),
    HH: (d) => pad(d.getUTCHours(), 2), H: (d) => d.getUTCHours(),
    hh: (d) => pad(d.getUTCHours() % 12 || 12, 2), h: (d) => d.getUTCHours() % 12 || 12,
    mm: (d) => pad(d.getUTCMinutes(), 2), m: (d) => d.getUTCMinutes(),
    ss: (d) => pad(d.getUTCSeconds(), 2), s: (d) => d.getUTCSeconds(),
    fff: (d) => pad(d.getUTCMilliseconds(), 3), tt: (d) => (d.getUTCHours() < 12 ? 'AM' : 'PM'),
  };
  const PATTERN = /'([^']*)'|yyyy|yy|MMMM|MMM|MM|M|dddd|ddd|dd|d|HH|H|hh|h|mm|m|ss|s|fff|tt/g;

  function formatted(moment, pattern) {
    return pattern.replace(PATTERN, (found, quoted) => (quoted === undefined ? PARTS[found](moment) : quoted));
  }

  const iso = (moment) => moment.toISOString().replace(/\.000Z$/, 'Z');

  const UNITS = {seconds: 1000, minutes: 60000, hours: 3600000, days: 86400000, weeks: 604800000};

  function moved(moment, count, unit, place) {
    if (unit in UNITS) return valid(new Date(moment.getTime() + count * UNITS[unit]), place);
    if (unit !== 'months' && unit !== 'years') {
      throw new Fault(`${shown(unit)} must be seconds, minutes, hours, days, weeks, months or years`, place);
    }
    const months = unit === 'years' ? count * 12 : count;
    const day = moment.getUTCDate();
    const found = new Date(moment.getTime());
    found.setUTCDate(1);
    found.setUTCMonth(found.getUTCMonth() + months);
    const last = new Date(Date.UTC(found.getUTCFullYear(), found.getUTCMonth() + 1, 0)).getUTCDate();
    found.setUTCDate(Math.min(day, last));
    return valid(found, place);
  }

  function valid(moment, place) {
    const year = moment.getUTCFullYear();
    if (!(year >= 1 && year <= 9999)) throw new Fault('that is beyond the years 1 to 9999', place);
    return moment;
  }

  // Numbers compare as numbers, also where one of them is written as text; the rest as text.
  function compared(a, b) {
    const x = Number(text(a) || NaN), y = Number(text(b) || NaN);
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    const left = text(a), right = text(b);
    return left < right ? -1 : Number(left > right);
  }

  function same(a, b) {
    if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b);
    if (typeof a === 'object' && !JSON.isRawJSON(a) && !isAnything(a)) return json(a) === json(b);
    return text(a) === text(b);
  }

  const isTrue = (value) => !hb.Utils.isEmpty(value);

  function rounded(value, digits) {
    if (Math.abs(value) >= 1e21) return value;
    return Number(Math.sign(value) * Number(Math.round(Number(Math.abs(value) + 'e' + digits)) + 'e-' + digits));
  }

  function calculated(value, place) {
    if (!Number.isFinite(value)) throw new Fault('the result is no number', place);
    return value;
  }

  function list(value, place) {
    if (isAnything(value)) return [1];
    if (isNothing(value)) return [];
    if (!Array.isArray(value)) throw new Fault(`${shown(value)} is no array`, place);
    return value;
  }

  const onDate = (part) => (place, value) => (isNothing(value) ? '' : part(date(value, place)));
  const onText = (part) => (place, value) => part(text(value));
  const onNumber = (part) => (place, value) => calculated(part(number(value, place)), place);
  const onNumbers = (part) => (place, ...values) =>
    calculated(values.map((value) => number(value, place)).reduce(part), place);

  // name: [fewest arguments, most arguments, what it does, how]
  const HELPERS = {
    formatDate: [2, 3, 'a date by a pattern such as "yyyy-MM-dd", in UTC or at an offset such as "+01:00"',
      (place, value, pattern, zone) => (isNothing(value) ? '' : formatted(
        new Date(date(value, place).getTime() + (isNothing(zone) ? 0 : offset(text(zone), place)) * 60000), text(pattern)))],
    addDate: [3, 3, 'a date moved by a number of seconds, minutes, hours, days, weeks, months or years',
      (place, value, count, unit) => (isNothing(value) ? '' :
        iso(moved(date(value, place), whole(count, place, -1e6, 1e6), text(unit), place)))],
    daysBetween: [2, 2, 'how many whole days lie from the first date to the second',
      (place, from, to) => Math.trunc((date(to, place) - date(from, place)) / 86400000)],
    year: [1, 1, 'the year of a date', onDate((d) => d.getUTCFullYear())],
    month: [1, 1, 'the month of a date, 1 to 12', onDate((d) => d.getUTCMonth() + 1)],
    day: [1, 1, 'the day of a date, 1 to 31', onDate((d) => d.getUTCDate())],
    hour: [1, 1, 'the hour of a date, 0 to 23', onDate((d) => d.getUTCHours())],
    minute: [1, 1, 'the minute of a date', onDate((d) => d.getUTCMinutes())],
    second: [1, 1, 'the second of a date', onDate((d) => d.getUTCSeconds())],
    dayOfWeek: [1, 1, 'the English name of the day', onDate((d) => DAYS[d.getUTCDay()])],
    upper: [1, 1, 'a text in capital letters', onText((t) => t.toUpperCase())],
    lower: [1, 1, 'a text in small letters', onText((t) => t.toLowerCase())],
    trim: [1, 1, 'a text without the white space around it', onText((t) => t.trim())],
    length: [1, 1, 'how many characters a text has, or members an array',
      (place, value) => (Array.isArray(value) ? value.length : [...text(value)].length)],
    truncate: [2, 3, 'the first characters of a text, and a mark such as "..." where it was cut, within that number',
      (place, value, count, mark) => {
        const letters = [...text(value)], most = whole(count, place, 0, LONGEST_ROW), end = [...text(mark)];
        return letters.length <= most ? letters.join('') :
          letters.slice(0, Math.max(most - end.length, 0)).concat(end).slice(0, most).join('');
      }],
    replace: [3, 3, 'a text with every occurrence of one text replaced by another',
      (place, value, found, by) => (text(found) === '' ? text(value) : text(value).split(text(found)).join(text(by)))],
    concat: [1, 50, 'texts put together', (place, ...values) => values.map(text).join('')],
    join: [2, 2, 'the members of an array with a text between them',
      (place, value, between) => list(value, place).map(text).join(text(between))],
    split: [2, 2, 'the parts of a text between the occurrences of another, as an array',
      (place, value, by) => (isNothing(value) ? [] : text(value).split(text(by)))],
    contains: [2, 2, 'whether a text has another in it, or an array a member',
      (place, value, sought) => (Array.isArray(value) ? value.some((one) => same(one, sought)) : text(value).includes(text(sought)))],
    startsWith: [2, 2, 'whether a text begins with another', (place, value, start) => text(value).startsWith(text(start))],
    endsWith: [2, 2, 'whether a text ends with another', (place, value, end) => text(value).endsWith(text(end))],
    padLeft: [2, 3, 'a text filled up on its left to a number of characters',
      (place, value, width, by) => text(value).padStart(whole(width, place, 0, LONGEST_PAD), isNothing(by) ? ' ' : text(by))],
    padRight: [2, 3, 'a text filled up on its right to a number of characters',
      (place, value, width, by) => text(value).padEnd(whole(width, place, 0, LONGEST_PAD), isNothing(by) ? ' ' : text(by))],
    add: [2, 50, 'the sum of numbers', onNumbers((a, b) => a + b)],
    subtract: [2, 2, 'the first number less the second', onNumbers((a, b) => a - b)],
    multiply: [2, 50, 'the product of numbers', onNumbers((a, b) => a * b)],
    divide: [2, 2, 'the first number by the second', onNumbers((a, b) => a / b)],
    modulo: [2, 2, 'what is left when the first number is divided by the second', onNumbers((a, b) => a % b)],
    round: [1, 2, 'a number with so many digits after the point, halves away from zero',
      (place, value, digits) => calculated(
        rounded(number(value, place), isNothing(digits) ? 0 : whole(digits, place, 0, 15)), place)],
    floor: [1, 1, 'the next lower whole number', onNumber(Math.floor)],
    ceil: [1, 1, 'the next higher whole number', onNumber(Math.ceil)],
    abs: [1, 1, 'a number without its sign', onNumber(Math.abs)],
    formatNumber: [2, 2, 'a number with exactly so many digits after the point',
      (place, value, digits) => {
        const count = whole(digits, place, 0, 15);
        return rounded(number(value, place), count).toFixed(count);
      }],
    eq: [2, 2, 'whether two values are the same', (place, a, b) => same(a, b)],
    ne: [2, 2, 'whether two values differ', (place, a, b) => !same(a, b)],
    lt: [2, 2, 'whether the first value is less than the second', (place, a, b) => compared(a, b) < 0],
    lte: [2, 2, 'whether the first value is not more than the second', (place, a, b) => compared(a, b) <= 0],
    gt: [2, 2, 'whether the first value is more than the second', (place, a, b) => compared(a, b) > 0],
    gte: [2, 2, 'whether the first value is not less than the second', (place, a, b) => compared(a, b) >= 0],
    and: [2, 50, 'whether all values are true, as {{#if}} takes them', (place, ...values) => values.every(isTrue)],
    or: [2, 50, 'whether one of the values is true', (place, ...values) => values.some(isTrue)],
    not: [1, 1, 'whether a value is not true', (place, value) => !isTrue(value)],
    default: [2, 50, 'the first value that is there and not empty',
      (place, ...values) => values.find((value) => !isNothing(value) && value !== '') ?? ''],
    json: [1, 1, 'any value as JSON', (place, value) => new hb.SafeString(json(value))],
  };

  for (const [name, [fewest, most, , how]] of Object.entries(HELPERS)) {
    hb.registerHelper(name, function (...given) {
      const options = given.pop();
      const place = options.loc && options.loc.start;
      if (given.length < fewest || given.length > most) {
        const wanted = fewest === most ? fewest : `${fewest} to ${most}`;
        throw new Fault(`${name} takes ${wanted} values, and was given ${given.length}`, place);
      }
      const found = how(place, ...given);
      // As a block, a helper decides between its two parts; as a value, it stands for itself.
      if (!options.fn) return found;
      return isTrue(found) ? options.fn(this) : options.inverse(this);
    });
  }
  hb.unregisterHelper('log');

  // --- compiling and rendering -----------------------------------------------------------------

  const compiled = new Map();

  // A name with values behind it must be a helper: a typing mistake shall not wait for the first event.
  class Calls extends hb.Visitor {
    MustacheStatement(node) { this.check(node); super.MustacheStatement(node); }
    BlockStatement(node) { this.check(node); super.BlockStatement(node); }
    SubExpression(node) { this.check(node); super.SubExpression(node); }
    check(node) {
      const called = node.params.length > 0 || (node.hash && node.hash.pairs.length > 0) || node.type === 'SubExpression';
      const name = node.path.original;
      if (called && !Object.hasOwn(hb.helpers, name)) {
        throw new Fault(`there is no helper ${shown(String(name))}`, node.loc && node.loc.start);
      }
    }
  }

  function compile(template) {
    if (compiled.has(template)) return compiled.get(template);
    const tree = hb.parse(template);
    new Calls().accept(tree);
    const made = hb.compile(template, {knownHelpersOnly: false});
    if (compiled.size >= 100) compiled.clear();
    compiled.set(template, made);
    return made;
  }

  function told(error) {
    const place = error instanceof Fault ? error.place : {line: error.lineNumber, column: error.column};
    const words = error instanceof Error ? error.message : String(error);
    const found = {detail: words.slice(0, 2000)};
    if (place && Number.isInteger(place.line)) {
      found.line = place.line;
      found.column = (place.column || 0) + 1;
    }
    return found;
  }

  // What Handlebars would put together anew for every row, fifty wrapped helpers among it, is put together
  // once, and handed in as it hands it on to partials. Only own properties can be reached; `lookup` is the
  // one helper that has to be told.
  function lookupProperty(parent, name) {
    const found = isNothing(parent) ? undefined : parent[name];
    return isNothing(found) || Object.hasOwn(parent, name) ? found : undefined;
  }

  function wrapped(helper) {
    return function (...given) {
      const options = given.pop();
      return helper.call(this, ...given, Object.assign({lookupProperty: lookupProperty}, options));
    };
  }

  const {helperMissing, blockHelperMissing, ...named} = hb.helpers;
  const nowhere = {whitelist: Object.create(null), defaultValue: false};
  const RUNTIME = {
    partial: true,
    helpers: Object.assign({}, named, {lookup: wrapped(named.lookup)}),
    partials: {},
    decorators: hb.decorators,
    hooks: {helperMissing: helperMissing, blockHelperMissing: blockHelperMissing},
    protoAccessControl: {properties: nowhere, methods: nowhere},
  };

  // Rows are handed over with a mark before each, which no JSON text can hold as it is.
  const ROW = '\x1e', FAULT = '\x1f';

  function row(make, one) {
    const context = one.any ? anything() : 'exact' in one ? parseExactly(one.exact) : one.data;
    const found = make(context, Object.assign({data: {root: context, event: one.event, record: one.record}}, RUNTIME));
    if (found.length > LONGEST_ROW) throw new Fault(`makes a row of more than ${LONGEST_ROW} characters`);
    if (found.includes(ROW) || found.includes(FAULT)) throw new Fault('makes a row with control characters in it');
    return ROW + found;
  }

  // Where rendering stands, for whoever has to say which event was too much.
  global.at = 0;

  global.checked = function (template) {
    try {
      compile(template);
      return 'null';
    } catch (error) {
      return JSON.stringify(told(error));
    }
  };

  global.rendered = function (template, rows) {
    const answers = [];
    const wanted = JSON.parse(rows);
    const make = compile(template);
    for (global.at = 0; global.at < wanted.length; global.at += 1) {
      try {
        answers.push(row(make, wanted[global.at]));
      } catch (error) {
        answers.push(FAULT + JSON.stringify(told(error)));
      }
    }
    return answers.join('');
  };

  global.helpers = function () {
    return JSON.stringify(Object.entries(HELPERS).map(([name, [fewest, most, does]]) => ({name, fewest, most, does})));
  };
})(globalThis);
