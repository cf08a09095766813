"""x"""
from nth.ui.interruption import InterruptionReport
def page(report: InterruptionReport) -> str:
    return ""
