"""The Slicer module: registers CT and MR of the spine through the command of spine_ctmr."""

import qt
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleWidget,
)
from spine_ctmr.errors import SpineError
from SpineCTMRRegistrationLib import readiness
from SpineCTMRRegistrationLib.deformation_grid import remove_grid_of
from SpineCTMRRegistrationLib.hidden_vertebrae import HiddenVertebrae
from SpineCTMRRegistrationLib.logic import SpineCTMRRegistrationLogic, start_up
from SpineCTMRRegistrationLib.parameters import chosen_inputs, forget_names, name_segment
from SpineCTMRRegistrationLib.reloading import forget_packages
from SpineCTMRRegistrationLib.result_table import QUALITY
from SpineCTMRRegistrationLib.sections.numbering import NumberingChoice
from SpineCTMRRegistrationLib.sections.outputs import OutputsSection
from SpineCTMRRegistrationLib.sections.parameter_sets import ParameterSetSection
from SpineCTMRRegistrationLib.sections.placing import PlacingSection
from SpineCTMRRegistrationLib.sections.result import ResultSection
from SpineCTMRRegistrationLib.sections.running import RunningSection
from SpineCTMRRegistrationLib.sections.segmenting import SegmentingSection
from SpineCTMRRegistrationLib.sections.segments import SegmentsSection
from SpineCTMRRegistrationLib.self_test import SpineCTMRRegistrationTest
from SpineCTMRRegistrationLib.session import Ending
from SpineCTMRRegistrationLib.watching import Watcher, contents

__all__ = [
    "SpineCTMRRegistration",
    "SpineCTMRRegistrationLogic",
    "SpineCTMRRegistrationTest",
    "SpineCTMRRegistrationWidget",
]

NAME = "SpineCTMRRegistration"


class SpineCTMRRegistration(ScriptedLoadableModule):
    """What Slicer shows about the module."""

    def __init__(self, parent):
        super().__init__(parent)
        self.parent.title = _("Spine CT-MR Registration")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Registration")]
        self.parent.dependencies = []
        self.parent.contributors = ["SpineCTMRRegistration contributors"]
        self.parent.helpText = _(
            "Brings a CT and an MR of the same spine into the same place. Every vertebra moves exactly "
            "rigidly, the tissue between deforms smoothly, and a table says for each vertebra whether the "
            "result may be trusted. Choose the CT, the MR and the vertebra segmentation of the CT, and press "
            "Register. For research use; not a medical device."
        )
        self.parent.acknowledgementText = _(
            "The network follows Jian et al., Weakly-supervised biomechanically-constrained CT/MR "
            "registration of the spine, MICCAI 2022. It was trained on synthetic patients only."
        )
        slicer.app.connect("startupCompleted()", start_up)


class SpineCTMRRegistrationWidget(ScriptedLoadableModuleWidget):
    """The panel: connects the sections of the .ui file with the parameter sets and the session."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.logic = SpineCTMRRegistrationLogic()
        self._contents = Watcher(self._refresh, contents)

    def setup(self):
        super().setup()
        panel = slicer.util.loadUI(self.resourcePath(f"UI/{NAME}.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        self.ui.parameterSetSelector.addAttribute("vtkMRMLScriptedModuleNode", "ModuleName", NAME)
        self.ui.tableSelector.addAttribute("vtkMRMLTableNode", QUALITY)
        panel.setMRMLScene(slicer.mrmlScene)
        self.session = self.logic.make_session()
        self._sets = ParameterSetSection(self.ui, self.logic, lambda: self.parent.isEntered)
        self._outputs = OutputsSection(self.ui)
        hidden = HiddenVertebrae(slicer.mrmlScene)
        self._placing = PlacingSection(self.ui, self._choose_points, hidden)
        self._ct_numbers = NumberingChoice(self.ui.ctNumbersLabel, self.ui.ctNumbersComboBox, self._refresh)
        self._mr_numbers = NumberingChoice(self.ui.mrNumbersLabel, self.ui.mrNumbersComboBox, self._refresh)
        self._segments = SegmentsSection(self.ui.segmentTable, self._name_segment, self._placing.go_to)
        self._running = RunningSection(self.ui)
        self._segmenting = SegmentingSection(
            self.ui, self._choose_vertebrae, self._choose_points, self._running.add_log
        )
        self._result = ResultSection(self.ui, self.session.kept.folder_of, hidden)
        self._connect()
        self._sets.show()

    def _connect(self):
        self._sets.changed.connect(self._refresh)
        self._sets.removing.connect(self._on_removing)
        self._sets.closing.connect(self._on_closing)
        self.session.progressed.connect(self._running.show_progress)
        self.session.logged.connect(self._running.add_log)
        self.session.ended.connect(self._on_ended)
        self.ui.registerButton.connect("clicked()", self._on_register)
        self.ui.cancelButton.connect("clicked()", self._on_cancel)
        self.ui.networkButton.connect("clicked()", self._on_choose_network)

    @property
    def _parameters(self):
        return self._sets.parameters

    def enter(self):
        """The user came to the module."""
        self._sets.show()

    def exit(self):
        """The user left the module; a run goes on."""
        self._placing.stop()
        self._sets.hide()

    def onReload(self):
        """A developer wants the files as they are now."""
        forget_packages()
        super().onReload()

    def cleanup(self):
        """The module or Slicer is closed: end the run with all its processes."""
        self.session.close()
        self._placing.stop()
        self._sets.hide()
        self._sets.removeObservers()
        self._result.close()

    def _on_closing(self):
        """The scene is about to be closed."""
        self.session.close()
        self._placing.stop()
        self._running.clear()
        self._outputs.clear()
        self._result.forget()

    def _on_removing(self, node, held):
        """A node leaves the scene; say so if it was chosen."""
        self._outputs.forget(node)
        remove_grid_of(node)
        if held:
            self._running.show_note(
                f'"{node.GetName()}" was removed from the scene; it is not chosen any more as '
                f"{', '.join(held)}."
            )

    def _refresh(self, caller=None, event=None):
        """Show what follows from the parameters."""
        parameters = self._parameters
        self._outputs.follow(parameters)
        self._contents.watch([] if parameters is None else chosen_inputs(parameters))
        self._ct_numbers.show(parameters and parameters.vertebrae)
        self._mr_numbers.show(parameters and parameters.mrVertebrae)
        if parameters is None:
            self._segments.show([])
            self._segmenting.follow(None, None, self.session.running)
            self._placing.update([], None, None, None)
            self._result.show(None)
            self._running.show_ready(_("Choose a parameter set above, or make one."), self.session.running)
            return
        rows = readiness.rows(parameters)
        forget_names(parameters, [row.segment_id for row in rows])
        self._segments.show(rows)
        self._segmenting.follow(parameters.ct, parameters.mr, self.session.running)
        levels = dict.fromkeys(row.vertebra for row in rows if row.vertebra and not row.problem)
        self._placing.update(list(levels), parameters.vertebrae, parameters.mr, parameters.mrVertebrae)
        self._result.show(parameters.table)
        self._running.show_ready(readiness.missing_input(parameters), self.session.running)

    def _choose_vertebrae(self, node):
        self._parameters.vertebrae = node

    def _choose_points(self, node):
        self._parameters.mrVertebrae = node

    def _name_segment(self, segment_id, vertebra):
        name_segment(self._parameters, segment_id, vertebra)

    def _on_choose_network(self):
        path = qt.QFileDialog.getOpenFileName(self.parent, _("Network file"), "", "Networks (*.json *.onnx)")
        if path:
            self._parameters.network = path

    def _on_register(self):
        asked = self._parameters
        try:
            if self._install() and self._can_still_start(asked):
                self._placing.stop()
                self._running.show_started()
                self.session.start(asked, self._outputs.picked(asked))
        except SpineError as error:
            self._running.show_ended("failed", str(error))
        self._refresh()

    def _install(self):
        """Whether the engine can run; the window answers while packages are installed."""
        self._running.show_installing()
        try:
            return self.logic.ensure_dependencies()
        finally:
            self._running.show_installed()

    def _can_still_start(self, asked):
        """Whether these parameters are still shown; else the user is told to go on.

        Raises:
            SpineError: they are not complete any more.
        """
        if self._parameters is not asked:
            self._running.show_note(_("The packages are installed; press Register again."))
            return False
        if missing := readiness.missing_input(asked):
            raise SpineError(missing)
        return True

    def _on_cancel(self):
        self._running.show_cancelling()
        self.session.cancel()

    def _on_ended(self, ending: Ending):
        self._running.show_ended(ending.how, ending.sentence)
        if ending.result is not None:
            self._outputs.use_up(ending.result)
            self._result.draw_anew(ending.result)
        if ending.result is not None and self._parameters and self._parameters.table is ending.result.table:
            self.ui.inputsSection.collapsed = True
            self.ui.resultSection.collapsed = False
            self._refresh()
            self._result.present()
        self._refresh()
