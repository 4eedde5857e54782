//! Charts as geometry: columns with segments, and rows with two bars. The template `chart.html` writes it as SVG, with
//! the table of the same figures beside it. Pure; colours are classes.

use serde::Serialize;

/// Size of the drawing, in its own units.
const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 150.0;
/// The area of the columns.
const LEFT: f64 = 40.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 130.0;
/// Widest column.
const WIDEST: f64 = 40.0;
/// Lowest segment that can still be seen.
const LOWEST: f64 = 1.5;
/// A line this many times above the highest column is left out: it would flatten the columns.
const FAR: f64 = 4.0;

/// Rows of two bars.
const ROW: f64 = 22.0;
const FIRST_BAR: (f64, f64) = (128.0, 100.0);
const SECOND_BAR: (f64, f64) = (278.0, 64.0);
/// Characters of a row's name.
const NAME: usize = 18;

/// A part of a column.
#[derive(Clone, Debug)]
pub(super) struct ColumnPart {
    pub(super) value: f64,
    pub(super) class: String,
    /// The tooltip.
    pub(super) says: String,
    pub(super) link: String,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) says: String,
    pub(super) link: String,
    pub(super) segments: Vec<ColumnPart>,
}

/// A row with a share and a length.
#[derive(Clone, Debug)]
pub(super) struct BarRow {
    pub(super) name: String,
    pub(super) says: String,
    pub(super) link: String,
    /// From 0 to 1, and as text.
    pub(super) share: Option<(f64, String)>,
    pub(super) length: Option<(f64, String)>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Drawing {
    width: f64,
    height: f64,
    bars: Vec<Bar>,
    lines: Vec<Rule>,
    words: Vec<Words>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Bar {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    class: String,
    says: String,
    link: String,
}

/// A horizontal line.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Rule {
    y: f64,
    from: f64,
    to: f64,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Words {
    x: f64,
    y: f64,
    /// `start`, `middle` or `end`.
    anchor: &'static str,
    text: String,
}

impl Drawing {
    /// Columns, the first on the left. `line`: a limit of a column. `scale` writes a value of the axis.
    pub(super) fn columns(columns: &[Column], line: Option<f64>, scale: impl Fn(f64) -> String) -> Self {
        let mut drawing = Self { width: WIDTH, height: HEIGHT, ..Self::default() };
        let sum = |column: &Column| column.segments.iter().map(|segment| segment.value).sum::<f64>();
        let highest = columns.iter().map(sum).fold(0.0, f64::max);
        let line = line.filter(|line| highest > 0.0 && *line > 0.0 && *line <= highest * FAR);
        let top = highest.max(line.unwrap_or(0.0)).max(f64::MIN_POSITIVE);
        let up = |value: f64| (BOTTOM - TOP) * value / top;
        let slot = ((WIDTH - LEFT) / columns.len().max(1) as f64).min(WIDEST);
        for (at, column) in columns.iter().enumerate() {
            let (x, width) = (LEFT + slot * at as f64, slot);
            if sum(column) > 0.0 {
                let whole = Bar::new(x, TOP, width, BOTTOM - TOP, "whole");
                drawing.bars.push(whole.about(&column.says, &column.link));
            }
            let mut y = BOTTOM;
            for segment in column.segments.iter().filter(|segment| segment.value > 0.0) {
                let height = up(segment.value).max(LOWEST);
                y -= height;
                let bar = Bar::new(x + slot * 0.1, y, width * 0.8, height, &segment.class);
                drawing.bars.push(bar.about(&segment.says, &segment.link));
            }
        }
        drawing.lines.push(Rule { y: BOTTOM, from: LEFT, to: WIDTH, class: "axis" });
        if highest > 0.0 {
            let y = BOTTOM - up(highest);
            drawing.lines.push(Rule { y: tenths(y), from: LEFT, to: WIDTH, class: "grid" });
            drawing.words.push(Words::new(LEFT - 4.0, y + 4.0, "end", scale(highest)));
        }
        if let Some(line) = line {
            drawing.lines.push(Rule { y: tenths(BOTTOM - up(line)), from: LEFT, to: WIDTH, class: "limit" });
        }
        let end = LEFT + slot * columns.len() as f64;
        let names: &[(f64, &'static str, Option<&Column>)] = match columns {
            [_, .., _] if end > LEFT + 120.0 => &[(LEFT, "start", columns.first()), (end, "end", columns.last())],
            _ => &[(LEFT, "start", columns.last())],
        };
        for (x, anchor, column) in names {
            let text = column.map_or_else(String::new, |column| column.name.clone());
            drawing.words.push(Words::new(*x, HEIGHT - 6.0, anchor, text));
        }
        drawing
    }

    /// Rows, the first on top, below the names of both bars.
    pub(super) fn rows(heads: [&str; 2], rows: &[BarRow]) -> Self {
        let height = HEIGHT.max(TOP + ROW * rows.len() as f64 + 4.0);
        let mut drawing = Self { width: WIDTH, height, ..Self::default() };
        let longest = rows.iter().filter_map(|row| row.length.as_ref()).map(|(length, _)| *length).fold(0.0, f64::max);
        for (head, (x, _)) in heads.iter().zip([FIRST_BAR, SECOND_BAR]) {
            drawing.words.push(Words::new(x, TOP - 4.0, "start", (*head).to_owned()));
        }
        for (at, row) in rows.iter().enumerate() {
            let y = TOP + ROW * at as f64;
            let base = y + ROW - 8.0;
            drawing.bars.push(Bar::new(0.0, y, WIDTH, ROW, "whole").about(&row.says, &row.link));
            drawing.words.push(Words::new(FIRST_BAR.0 - 8.0, base, "end", short(&row.name)));
            let share = row.share.as_ref().map(|(share, text)| (*share, text));
            let length = row.length.as_ref().map(|(length, text)| (length / longest.max(f64::MIN_POSITIVE), text));
            for ((x, width), value, class) in [(FIRST_BAR, share, "share"), (SECOND_BAR, length, "length")] {
                let Some((part, text)) = value else { continue };
                let part = (width * part.clamp(0.0, 1.0)).max(LOWEST);
                drawing.bars.push(Bar::new(x, y + 5.0, width, ROW - 10.0, "track").about(&row.says, &row.link));
                drawing.bars.push(Bar::new(x, y + 5.0, part, ROW - 10.0, class).about(&row.says, &row.link));
                drawing.words.push(Words::new(x + width + 5.0, base, "start", text.clone()));
            }
        }
        drawing
    }
}

impl Bar {
    fn new(x: f64, y: f64, width: f64, height: f64, class: &str) -> Self {
        let [x, y, width, height] = [x, y, width, height].map(tenths);
        Self { x, y, width, height, class: class.to_owned(), says: String::new(), link: String::new() }
    }

    fn about(self, says: &str, link: &str) -> Self {
        Self { says: says.to_owned(), link: link.to_owned(), ..self }
    }
}

impl Words {
    fn new(x: f64, y: f64, anchor: &'static str, text: String) -> Self {
        Self { x: tenths(x), y: tenths(y), anchor, text }
    }
}

/// A drawing needs no more digits.
fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A name that fits beside its bars.
fn short(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        Some(_) => name.chars().take(NAME - 1).chain(['…']).collect(),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[f64]) -> Column {
        let segment = |value: &f64| ColumnPart {
            value: *value,
            class: "c".to_owned(),
            says: format!("{value}"),
            link: "/history".to_owned(),
        };
        Column {
            name: "day".to_owned(),
            says: "all".to_owned(),
            link: "/history".to_owned(),
            segments: values.iter().map(segment).collect(),
        }
    }

    fn draw(columns: &[Column], line: Option<f64>) -> Drawing {
        Drawing::columns(columns, line, |value| value.to_string())
    }

    fn segments(drawing: &Drawing) -> Vec<&Bar> {
        drawing.bars.iter().filter(|bar| bar.class == "c").collect()
    }

    #[test]
    fn segments_stand_on_one_another_and_the_highest_column_is_full() {
        let drawing = draw(&[column(&[1.0, 3.0]), column(&[2.0]), column(&[0.0])], None);
        let bars = segments(&drawing);
        assert_eq!(bars.len(), 3, "nothing is drawn for nothing");
        assert_eq!((bars[0].y + bars[0].height, bars[1].y + bars[1].height, bars[1].y), (BOTTOM, bars[0].y, TOP));
        assert_eq!((bars[2].height * 2.0, bars[2].x), (BOTTOM - TOP, LEFT + WIDEST * 1.1));
        assert_eq!(drawing.bars.iter().filter(|bar| bar.class == "whole").count(), 2);
    }

    #[test]
    fn everything_stays_inside_the_drawing() {
        for count in [0, 1, 2, 60, 500] {
            let columns: Vec<Column> = (0..count).map(|n| column(&[f64::from(n), 0.001])).collect();
            for bar in draw(&columns, Some(1e9)).bars {
                assert!(bar.x >= 0.0 && bar.x + bar.width <= WIDTH + 0.2, "{bar:?}");
                assert!(bar.y >= 0.0 && bar.y + bar.height <= HEIGHT && bar.width >= 0.0, "{bar:?}");
            }
        }
    }

    #[test]
    fn a_limit_is_drawn_unless_it_is_far_above() {
        let limit = |line| draw(&[column(&[5.0])], Some(line)).lines.iter().find(|rule| rule.class == "limit").cloned();
        assert_eq!(limit(10.0).unwrap().y, TOP);
        assert_eq!(limit(2.5).unwrap().y, (TOP + BOTTOM) / 2.0);
        assert_eq!(limit(100.0), None);
        let half = draw(&[column(&[5.0])], Some(10.0));
        assert_eq!(segments(&half)[0].height, (BOTTOM - TOP) / 2.0, "the limit sets the scale");
    }

    #[test]
    fn a_row_has_its_bars_and_a_name_that_fits() {
        let row = |share, length: f64| BarRow {
            name: "a-mode-with-a-very-long-name".to_owned(),
            says: String::new(),
            link: String::new(),
            share,
            length: Some((length, "1s".to_owned())),
        };
        let drawing = Drawing::rows(["a", "b"], &[row(Some((0.5, "50%".to_owned())), 10.0), row(None, 5.0)]);
        let widths = |class: &str| -> Vec<f64> {
            drawing.bars.iter().filter(|bar| bar.class == class).map(|bar| bar.width).collect()
        };
        assert_eq!((widths("share"), widths("length")), (vec![50.0], vec![64.0, 32.0]));
        assert!(drawing.words.iter().any(|words| words.text == "a-mode-with-a-ver…"));
    }
}
