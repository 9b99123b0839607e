//! The texts of the component gallery.

pub const HEADING: &str = "Component gallery";
pub const FIVE_CALLS: &str = "Call five times";
pub const STATES: &str = "States";
pub const TOKENS: &str = "Tokens";
pub const TOKENS_LEAD: &str = "The variables that all styles use, as this server serves them. Each \
    contrast is computed from the colors. A style sheet of your own is not taken into account.";
pub const BRAND_EDITOR: &str = "Brand editor";
pub const BRAND_EDITOR_LEAD: &str = "Try a color, corners and a layout on the real pages, and copy \
    the settings. Nothing is saved.";
pub const TO_NAVIGATION: &str = "All components";
pub const TO_EDITOR: &str = "Try another brand";

// An entry.
pub const THEME: &str = "Theme";
pub const TEXT_SIZE: &str = "Text size";
pub const WIDTH: &str = "Width";
pub const FRAME: &str = "Sample";
pub const FRAME_HELP: &str = "Drag the lower right corner to change the width. The frame runs no \
    scripts.";
pub const CODE: &str = "Code";
pub const PROPERTIES: &str = "Properties";
pub const NO_PROPERTIES: &str = "None.";
pub const ACCESSIBILITY: &str = "Accessibility";
pub const FILES: &str = "Files";
pub const NAME: &str = "Name";
pub const TYPE: &str = "Type";
pub const MEANING: &str = "Meaning";
pub const REQUIRED: &str = "required";

// Tokens.
pub const COLORS: &str = "Colors";
pub const COLORS_LEAD: &str = "On light and on dark pages.";
pub const CONTRAST: &str = "Contrast";
pub const CONTRAST_LEAD: &str = "Text needs 4.5 to 1, borders of fields and the focus ring 3 to 1 \
    (WCAG 2.2, 1.4.3 and 1.4.11).";
pub const PAIR: &str = "Pair";
pub const LIGHT: &str = "Light";
pub const DARK: &str = "Dark";
pub const TOO_LOW: &str = "too low";
pub const TYPE_STEPS: &str = "Font sizes";
pub const SPACING: &str = "Spacing";
pub const RADII: &str = "Corners";
pub const FOCUS_RING: &str = "Focus ring";
pub const TYPE_SAMPLE: &str = "Log in to your account";

// The brand editor.
pub const UPDATE: &str = "Update previews";
pub const PREVIEW_THEME: &str = "Theme of the previews";
pub const LOG_IN_FRAME: &str = "Log-in page";
pub const SIGN_UP_FRAME: &str = "Sign-up page";
pub const ACCOUNT_FRAME: &str = "Account page";
pub const EMAIL_FRAME: &str = "Email";
pub const SETTINGS: &str = "Settings";
pub const SETTINGS_LEAD: &str = "For countersign.toml. Restart the server after a change.";
pub const NO_SETTINGS: &str = "# All settings have their default values.";
pub const STYLE_SHEET_LEAD: &str = "A font of the system is not a setting, but a line in the style \
    sheet that `css` names:";
pub const MORE_SETTINGS: &str = "Logo, icon, font file and links are settings as well.";
pub const SPLIT_NEEDS_IMAGE: &str = "Replace the path with that of your image.";

/// Returns the reason why an accent is not used, and the color that is shown instead.
pub fn refused_accent(reason: &str) -> String {
    format!("The accent {reason}. The previews and settings use it instead.")
}

/// Returns a contrast with one decimal place, rounded down, so that it never promises too much.
pub fn contrast(ratio: f64) -> String {
    format!("{:.1}", (ratio * 10.0).floor() / 10.0)
}
