/** The edit actions of the transducer; edit_actions.js says what they do. */

/** Ids of the actions that write no symbol of their own. */
export const ACTIONS = { end: 0, delete: 1, copy: 2 };

/** Id of the first substitution. The insertions follow the substitutions. */
const FIRST = 3;

/** What each action does, for V target symbols of which the first is the boundary. */
export class ActionTable {
  /** @param {number} symbols  V */
  constructor(symbols) {
    this.written = symbols - 1;
    /** Number of actions. */
    this.size = FIRST + 2 * this.written;
  }

  /**
   * The target symbol that an action writes; 0 for none, and for a copy.
   *
   * @param {number} action
   */
  writes(action) {
    if (action < FIRST) return 0;
    return 1 + ((action - FIRST) % this.written);
  }

  /**
   * Whether an action is an insertion.
   *
   * @param {number} action
   */
  inserts(action) {
    return action >= FIRST + this.written;
  }

  /**
   * Whether an action moves the pointer.
   *
   * @param {number} action
   */
  moves(action) {
    return action !== ACTIONS.end && !this.inserts(action);
  }

  /**
   * Whether an action is possible.
   *
   * @param {number} action
   * @param {boolean} atEnd  whether the pointer has passed the last symbol of the source
   */
  isPossible(action, atEnd) {
    return atEnd ? !this.moves(action) : action !== ACTIONS.end;
  }

  /**
   * The action that substitutes a target symbol.
   *
   * @param {number} symbol
   */
  substitution(symbol) {
    return FIRST - 1 + symbol;
  }

  /**
   * The action that inserts a target symbol.
   *
   * @param {number} symbol
   */
  insertion(symbol) {
    return FIRST - 1 + this.written + symbol;
  }

  /**
   * The kind of an action.
   *
   * @param {number} action
   */
  kind(action) {
    const named = Object.entries(ACTIONS).find(([, id]) => id === action);
    return named ? named[0] : this.inserts(action) ? "insert" : "substitute";
  }
}
