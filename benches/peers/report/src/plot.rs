//! A bar chart of the cost of one verification, on a log scale.

use std::{error::Error, path::Path};

use plotters::{
    prelude::{
        DrawingArea, DrawingBackend, IntoDrawingArea, PathElement, RGBColor, Rectangle, SVGBackend,
        Text,
    },
    style::{
        Color, IntoFont, TextStyle, WHITE,
        text_anchor::{HPos, Pos, VPos},
    },
};

use crate::{
    numbers::{number, ratio},
    roster::Role,
    scenario::verify::Verification,
};

/// Draws an SVG with one bar per contestant, the cheapest on top. Without contestants it draws nothing.
pub(crate) fn draw(path: &Path, verifications: &[Verification]) -> Result<(), Box<dyn Error>> {
    let height = TOP + ROW * verifications.len() as i32 + BOTTOM;
    let area = SVGBackend::new(path, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let scale = Scale::over(verifications);
    let title =
        "One verification of an RS256 token, as a multiple of the signature alone (log scale)";
    area.draw(&Text::new(title, (MARGIN, 18), text(15, INK, HPos::Left)))?;
    for decade in scale.decades() {
        let x = scale.x(decade);
        let foot = height - BOTTOM;
        area.draw(&PathElement::new([(x, TOP - 4), (x, foot)], GRID))?;
        area.draw(&Text::new(
            format!("{decade}×"),
            (x, foot + 12),
            text(12, MUTED, HPos::Center),
        ))?;
    }
    for (index, verification) in verifications.iter().enumerate() {
        bar(&area, &scale, TOP + ROW * index as i32, verification)?;
    }
    area.present()?;
    Ok(())
}

fn bar<B: DrawingBackend>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    scale: &Scale,
    top: i32,
    verification: &Verification,
) -> Result<(), Box<dyn Error>>
where
    B::ErrorType: 'static,
{
    let contestant = &verification.contestant;
    let colour = match contestant.role {
        Role::Ours => ACCENT,
        Role::Raw => MUTED,
        Role::Neighbour => PLAIN,
    };
    let end = scale.x(verification.over_raw);
    let middle = top + ROW / 2;
    let label = format!("{} ({})", contestant.name, contestant.crypto);
    area.draw(&Text::new(
        label,
        (LEFT - 8, middle),
        text(13, INK, HPos::Right),
    ))?;
    area.draw(&Rectangle::new(
        [(LEFT, top + 4), (end, top + ROW - 4)],
        colour.filled(),
    ))?;
    let (multiple, ns) = (ratio(verification.over_raw), number(verification.ns));
    let value = format!("{multiple}× · {ns} ns");
    area.draw(&Text::new(
        value,
        (end + 6, middle),
        text(13, INK, HPos::Left),
    ))?;
    Ok(())
}

/// A scale between two powers of ten, in log10.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn over(verifications: &[Verification]) -> Self {
        let logs = verifications.iter().map(|it| it.over_raw.log10());
        let (low, high) = logs.fold((f64::MAX, f64::MIN), |(low, high), log| {
            (low.min(log), high.max(log))
        });
        Self {
            // The lower end of the scale leaves the shortest bar visible.
            low: (low - 0.3).floor(),
            high: high.ceil(),
        }
    }

    fn x(&self, multiple: f64) -> i32 {
        let share = (multiple.log10() - self.low) / (self.high - self.low);
        LEFT + (share * f64::from(RIGHT - LEFT)) as i32
    }

    fn decades(&self) -> impl Iterator<Item = f64> {
        (self.low as i32..=self.high as i32).map(|power| 10_f64.powi(power))
    }
}

/// Returns a style with a font of `size` pixels, which the backend expects in another unit.
fn text(size: i32, colour: RGBColor, side: HPos) -> TextStyle<'static> {
    let font = ("sans-serif", f64::from(size) * 1.24).into_font();
    font.color(&colour).pos(Pos::new(side, VPos::Center))
}

const WIDTH: i32 = 970;
const MARGIN: i32 = 12;
const LEFT: i32 = 400;
const RIGHT: i32 = 830;
const TOP: i32 = 40;
const ROW: i32 = 26;
const BOTTOM: i32 = 28;

const INK: RGBColor = RGBColor(31, 35, 40);
const MUTED: RGBColor = RGBColor(110, 118, 129);
const GRID: RGBColor = RGBColor(222, 226, 230);
const ACCENT: RGBColor = RGBColor(0, 110, 184);
const PLAIN: RGBColor = RGBColor(176, 190, 204);
